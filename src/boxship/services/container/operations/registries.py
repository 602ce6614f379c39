"""Private registries of projects. The password of one goes in and is sealed; it comes out for a pull from that registry
only, and to nobody who asks.

An image that was fetched with a password is on the host for every container, so its repository is noted as private:
every container that wants it asks the registry anew, which alone knows who may have it. What anybody may have is not
noted, or a tenant could make everybody's images depend on a registry that is slow.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from boxship.config import Settings
from boxship.core import clock
from boxship.core.auth.caller import Caller
from boxship.core.db.database import Transaction
from boxship.core.http import call as http
from boxship.core.http import listing
from boxship.core.http.call import Query
from boxship.core.vault import Vault
from boxship.services.container import errors as container_errors
from boxship.services.container import model
from boxship.services.container.schemas import registries as schemas
from boxship.services.container.store import containers as containers_store
from boxship.services.container.store import registries as store

HUB = "docker.io"
"""The registry of names without one (Docker's reference grammar), by the name that Docker gives it."""
_HUBS = {HUB, "index.docker.io", "registry-1.docker.io"}


@dataclass(frozen=True, slots=True)
class Login:
    """What a registry asks for; never printed."""

    username: str
    password: str = field(repr=False)


async def create(
    transaction: Transaction, caller: Caller, settings: Settings, vault: Vault, request: schemas.RegistryRequest
) -> model.Registry:
    """Keep a registry of the caller's project. RegistryAlreadyExists; QuotaExceeded."""
    project = caller.project
    await transaction.serialise(f"registries:{project}")
    await _check_name(transaction, project, request.name)
    if 0 <= settings.quota_registries <= await store.count(transaction, project):
        raise container_errors.QuotaExceeded("registries", settings.quota_registries)
    row = model.Registry(
        id=http.new_id(),
        project_id=project,
        user_id=caller.user_id,
        created_at=clock.now(),
        name=request.name,
        domain=request.domain.lower(),
        username=request.username,
        password=vault.seal(request.password) if request.password else None,
    )
    await store.insert(transaction, row)
    return row


async def update(
    transaction: Transaction, vault: Vault, row: model.Registry, request: schemas.ChangeRequest
) -> model.Registry:
    """Change what is named, and show it as it is then. RegistryAlreadyExists: another one has the name."""
    await transaction.serialise(f"registries:{row.project_id}")
    changed = schemas.changes(request)
    if changed.get("name", row.name) != row.name:
        await _check_name(transaction, row.project_id, changed["name"])
    if "password" in changed:
        changed["password"] = vault.seal(changed["password"])
    await store.update(transaction, row.id, **changed, updated_at=clock.now())
    return await store.get(transaction, row.id) or row


async def _check_name(transaction: Transaction, project_id: str, name: str | None) -> None:
    if name and any(other.name == name for other in await store.named(transaction, name, project_id)):
        raise container_errors.RegistryAlreadyExists(name)


async def find(transaction: Transaction, caller: Caller, name: str, *, everywhere: bool = False) -> model.Registry:
    """The registry with this id or name in the caller's project, or in any. RegistryNotFound; NameNotUnique."""
    found = await store.named(transaction, name, None if everywhere else caller.project)
    exact = [row for row in found if row.id == name] or found
    if not exact:
        raise container_errors.RegistryNotFound(name)
    if len(exact) > 1:
        raise container_errors.NameNotUnique(name)
    return exact[0]


async def show_all(
    transaction: Transaction, caller: Caller, query: Query, *, all_projects: bool
) -> tuple[list[model.Registry], listing.Page]:
    """A page of the caller's registries, or of everybody's."""
    page = listing.page(query, store.SORTS, default_sort="id")
    conditions = listing.filters(query, store.FILTERS)
    return await store.page(transaction, page, conditions, None if all_projects else caller.project), page


async def delete(transaction: Transaction, row: model.Registry) -> None:
    """Forget a registry. RegistryInUse: a container was made with it."""
    if await containers_store.uses_registry(transaction, row.id):
        raise container_errors.RegistryInUse(row.id)
    await store.forget(transaction, row.id)


async def of(transaction: Transaction, row: model.Container) -> model.Registry | None:
    """The registry that a container was made with."""
    return await store.get(transaction, row.registry_id) if row.registry_id else None


def located(registry: model.Registry | None, image: str) -> str:
    """The image's name with its registry, where one is named and the name has none of its own."""
    return f"{registry.domain}/{image}" if registry and _prefix(image) is None else image


async def credentials(transaction: Transaction, vault: Vault, registry_id: str, image: str) -> Login | None:
    """What the registry asks for, where the image is really from it: nothing is shown to another one.

    None: it asks for nothing. Refused: the key that its password was sealed with is gone.
    """
    row = await store.get(transaction, registry_id)
    if row is None or row.username is None or row.password is None or _host(row.domain) != host(image):
        return None
    return Login(row.username, vault.open(row.password))


async def guards(transaction: Transaction, image: str) -> bool:
    """Whether the image is of a repository that was fetched with a password."""
    return await store.is_private(transaction, repository(image))


async def note_private(transaction: Transaction, image: str) -> None:
    """Note that images of this repository may only be had with a password; before such an image is fetched."""
    await transaction.serialise("private repositories")
    await store.note_private(transaction, repository(image))


def host(image: str) -> str:
    """The registry that an image is from: the one in its name, else Docker's."""
    return _host(_prefix(image) or HUB)


def _prefix(image: str) -> str | None:
    """The part of a name before the first slash, where that can be no folder: it has a dot or a port, or is ``localhost``."""
    first, slash, _ = image.partition("/")
    return first if slash and ("." in first or ":" in first or first == "localhost") else None


def _host(name: str) -> str:
    return HUB if name.lower() in _HUBS else name.lower()


def repository(image: str) -> str:
    """An image's name without tag and digest, and always spelt the same."""
    name = re.sub(r":[^:/]*$", "", image.partition("@")[0])
    prefix = _prefix(name)
    path = name.partition("/")[2] if prefix else name
    return f"{host(name)}/{path.removeprefix('library/') if host(name) == HUB else path}"
