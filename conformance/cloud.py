"""A cloud for the tests alone: an engine, images, a registry in place of Docker's, and a Boxship; gone at the end."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import msgspec
import yaml

from boxship.config import Settings
from conformance import images, proxy
from tests.dockerd import NO_BRIDGE, Dockerd
from tests.system import audit
from tests.system.installation import Installation, free_port, prepare
from tests.system.waiting import until

_UNLIMITED = {
    f"BOXSHIP_{field.name.upper()}": "-1"
    for field in msgspec.structs.fields(Settings)
    if field.name.startswith("quota_") and "share" not in field.name
}


@dataclass(frozen=True, slots=True)
class Account:
    """A user as Tempest has to name it."""

    user: str
    password: str
    project: str


@dataclass(frozen=True, slots=True)
class Cloud:
    """A running cloud. ``engine_version``: of the engine's API; ``image``: the id of a raw one that volumes are made from."""

    installation: Installation
    admin: Account
    public_network: dict[str, Any]
    extensions: list[str]
    engine_version: str
    image: str


@contextmanager
def running(*, keep: bool = False) -> Iterator[Cloud]:
    """Start everything; stop and remove everything at the end, unless it is to be kept for a look."""
    with ExitStack() as undo:
        scratch = Path(tempfile.mkdtemp(prefix="boxship-conformance-"))
        undo.callback(shutil.rmtree, scratch)
        mirror = undo.enter_context(_mirror(scratch))
        engine = Dockerd(scratch / "engine", (*NO_BRIDGE, "--registry-mirror", f"http://{mirror}"))
        undo.callback(engine.remove)
        engine.start()
        for image in images.IMAGES:
            _provide(engine, image, mirror)
        undo.enter_context(proxy.listening(engine.socket))
        installation = prepare(scratch / "cloud", engine.socket, **_UNLIMITED)
        undo.callback(_destroy, installation)
        installation.up()
        yield _described(installation, engine)
        if keep:
            _wait_for_enter(installation)


def _destroy(installation: Installation) -> None:
    """Remove it. AssertionError: something of it is left on the host."""
    begun = (installation.state_dir / "installation.json").exists()
    mark = installation.mark if begun else ""
    installation.destroy()
    if begun:
        audit.assert_nothing_left(installation, mark)


def _wait_for_enter(installation: Installation) -> None:
    print(f"\nThe cloud is kept: OS_CLIENT_CONFIG_FILE={installation.state_dir}/clouds.yaml, log {installation.log}")  # noqa: T201
    input("Press Enter to remove it. ")


def _described(installation: Installation, engine: Dockerd) -> Cloud:
    clouds = yaml.safe_load((installation.state_dir / "clouds.yaml").read_text())["clouds"]
    auth = clouds["boxship-admin"]["auth"]
    session = installation.session("admin")
    (public,) = session.ask("GET", "/network/v2.0/networks?router:external=true")["networks"]
    listed = session.ask("GET", "/network/v2.0/extensions")["extensions"]
    return Cloud(
        installation,
        Account(auth["username"], auth["password"], auth["project_name"]),
        public,
        sorted(entry["alias"] for entry in listed),
        engine.docker("version", "--format", "{{.Server.APIVersion}}"),
        _raw_image(installation),
    )


def _raw_image(installation: Installation) -> str:
    """Add a public image of a MiB that is no container's; its id."""
    session = installation.session("admin")
    wish = {"name": "raw", "disk_format": "raw", "container_format": "bare", "visibility": "public", "min_disk": 1}
    id = str(session.ask("POST", "/image/v2/images", wish)["id"])
    octets = {"Content-Type": "application/octet-stream"}
    session.http.put(f"/image/v2/images/{id}/file", content=b"boxship." * (1 << 17), headers=octets).raise_for_status()
    return id


@contextmanager
def _mirror(scratch: Path) -> Iterator[str]:
    """A registry on loopback that the engine asks instead of Docker Hub; ``host:port``."""
    address = f"127.0.0.1:{free_port()}"
    settings = scratch / "registry.yml"
    settings.write_text(
        f"version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {scratch / 'registry'}}}}}\n"
        f"http: {{addr: '{address}'}}\n"
    )
    with (scratch / "registry.log").open("wb") as log:
        process = subprocess.Popen(
            ["docker-registry", "serve", str(settings)], stdout=log, stderr=log, start_new_session=True
        )
    try:
        until(lambda: _answers(address), "the registry answers")
        yield address
    finally:
        process.terminate()
        process.wait()


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"http://{address}/v2/", timeout=5).is_success
    except httpx.TransportError:
        return False


def _provide(engine: Dockerd, image: images.Image, mirror: str) -> None:
    """Load the image into the engine, and into the registry for those tests that pull it."""
    archive = images.save(image, engine.directory / "image.tar")
    engine.docker("load", "--quiet", "--input", str(archive))
    archive.unlink()
    there = f"{mirror}/library/{image.name}"
    engine.docker("tag", image.name, there)
    engine.docker("push", "--quiet", there)
    engine.docker("rmi", there)
