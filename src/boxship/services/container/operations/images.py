"""Which image a request means: one of Glance's that the caller sees, or a name for the engine."""

from __future__ import annotations

import re
from dataclasses import dataclass

from boxship.core import errors
from boxship.core.auth.caller import Caller
from boxship.core.db.database import Transaction
from boxship.services.container import errors as container_errors
from boxship.services.container import model
from boxship.services.image import public as image

_REFERENCE = re.compile(r"^[a-z0-9][a-z0-9._:/-]*?(:[\w][\w.-]{0,127})?(@sha256:[0-9a-f]{64})?$", re.ASCII)


@dataclass(frozen=True, slots=True)
class Chosen:
    """An image: how it is shown, the driver that brings it, and its id where that is ``glance``."""

    reference: str
    driver: str
    id: str | None = None


async def resolve(transaction: Transaction, caller: Caller, name: str, driver: str | None) -> Chosen:
    """The image that is meant. ImageNotFound: Glance has none. BadRequest: not the name of an image.

    A name for the engine always carries a tag, so that it can never be read as the id of somebody else's image.
    """
    if driver == "glance":
        found = await image.find_image(transaction, caller, name)
        if found is None or found.status != "active" or found.container_format != "docker":
            raise container_errors.ImageNotFound(name)
        return Chosen(name, "glance", found.id)
    if not _REFERENCE.match(name) or name.startswith(model.RESERVED_REPOSITORY) or _is_disguise(name):
        raise errors.BadRequest(f"{name!r} is not the name of an image", field="image")
    last = name.rpartition("/")[2]
    return Chosen(name if ":" in last or "@" in last else f"{name}:latest", "docker")


def _is_disguise(name: str) -> bool:
    """Whether an engine would read it as something else than what it says.

    ``sha256:ab`` is the beginning of an id to Docker, whatever image that is (moby, daemon/images: GetImage falls back to ids);
    and ``docker.io/some.registry/image`` is kept under the same name as ``some.registry/image`` (moby, reference/store: by
    FamiliarName), which no namespace of Docker's registry can be called.
    """
    first, _, rest = name.partition("/")
    namespace, slash, _ = rest.partition("/")
    hub = first in {"docker.io", "index.docker.io"}
    return re.split("[:@]", name)[0] == "sha256" or (
        hub and bool(slash) and ("." in namespace or namespace == "localhost")
    )
