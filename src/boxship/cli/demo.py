"""``boxship demo``: the main job end to end, as the plain tenant and through the public API only: a container on a network of
its own, with a volume, that serves a page. Run again, it finds what it made and changes nothing that is right."""

from __future__ import annotations

import http.client
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from boxship.cli import api, containers, several, steps, tenant
from boxship.cli.failure import Failure
from boxship.cli.options import state_dir_option

NETWORK, ROUTER, VOLUME, GROUP, CONTAINER = "demo", "demo", "demo", "demo-web", "demo-web"
CIDR = "10.10.0.0/24"
IMAGE = "busybox"
BUILT = "busybox"
"""The name in the image service of the image that is built where no registry is in reach."""
_REGISTRY = ("registry-1.docker.io", 443)
"""Where Docker looks for images without a host in their name."""
_PORT = tenant.PublishedPort(80)
_PAGE = "Hello from a container of Boxship. This page lies on the volume demo."
_SERVE = f"test -e /data/index.html || echo '{_PAGE}' > /data/index.html; exec httpd -f -p {_PORT.number} -h /data"
_PULL_PATIENCE, _FETCH_PATIENCE = 180.0, 30.0


@dataclass(frozen=True, slots=True)
class Image:
    """What a container is made from: ``driver`` is where it comes from (``docker``: a registry, ``glance``: the cloud)."""

    name: str
    driver: str


@click.command("demo")
@state_dir_option
def demo_command(state_dir: Path | None) -> None:
    """Make, as the user demo: a network with subnet and router, a volume, and a container that serves a page from it;
    fetch the page through a floating IP and print it. Run again, it changes nothing that is right.

    Where a registry is in reach it pulls busybox; where none is, it builds an image from this host's static busybox.

    \b
    Example:
      boxship demo
    """
    cloud = api.connect(state_dir)
    cloud.project_id  # noqa: B018 (logs in, so that a cloud that is not there is told before the first step)
    network = _prepare(cloud)
    container = _container(cloud, network["id"])
    ((entry, *_),) = container["addresses"].values()
    with steps.step("Floating IP") as step:
        floating, made = tenant.ensure_floating_ip(cloud, entry["port"], containers.published(container["uuid"]))
        step.note(_state(made, floating["floating_ip_address"]))
    page = _fetch(cloud, floating["floating_ip_address"])
    if page is not None:
        click.echo(f"\n  {page.strip()}\n")
    click.echo(_next(state_dir, floating["floating_ip_address"]))


def _prepare(cloud: api.Cloud) -> dict[str, Any]:
    """The network with all that stands around the container; the network."""
    with steps.step("Network with subnet") as step:
        network, made = tenant.ensure_network(cloud, NETWORK, CIDR)
        step.note(_state(made, f"{NETWORK}, {CIDR}"))
    with steps.step("Router to the outside") as step:
        router, made = tenant.ensure_router(cloud, network, ROUTER)
        step.note(_state(made, router["name"]))
    with steps.step("Security group") as step:
        _, made = tenant.ensure_group(cloud, GROUP, [_PORT])
        step.note(_state(made, f"{GROUP}, lets port {_PORT.number} in"))
    with steps.step("Volume") as step:
        volume, made = tenant.ensure_volume(cloud, VOLUME, 1)
        step.note(_state(made, f"{VOLUME}, {volume['size']} GB"))
    return network


def _container(cloud: api.Cloud, network_id: str) -> dict[str, Any]:
    """The container, running: found, started, or made; one that failed is made anew."""
    found = _find(cloud)
    if found is not None and found["status"] in {"Error", "Dead", "Deleting"}:
        containers.remove(cloud, found["uuid"], force=True)
        found = None
    if found is None:
        return _make(cloud, network_id)
    with steps.step("Container") as step:
        if found["status"] in {"Stopped", "Created"}:
            cloud.post(several.CONTAINER, f"/containers/{found['uuid']}/start")
            found = _wait_until_running(cloud, found["uuid"], step)
            step.note(f"{CONTAINER} was stopped; started")
        else:
            found = _wait_until_running(cloud, found["uuid"], step)
            step.note(_state(False, f"{CONTAINER}, {found['status_detail']}"))
    return found


def _make(cloud: api.Cloud, network_id: str) -> dict[str, Any]:
    if _registry_in_reach():
        try:
            return _run(cloud, network_id, Image(IMAGE, "docker"))
        except Failure as error:
            steps.say(f"   {error.sentence}")
            containers.remove(cloud, CONTAINER, force=True)
    else:
        steps.say("   No registry is in reach from here, so an image is built from this host's busybox.")
    return _run(cloud, network_id, _built(cloud))


def _run(cloud: api.Cloud, network_id: str, image: Image) -> dict[str, Any]:
    body = {
        "name": CONTAINER,
        "image": image.name,
        "image_driver": image.driver,
        "command": ["sh", "-c", _SERVE],
        "nets": [{"network": network_id}],
        "security_groups": ["default", GROUP],
        "mounts": [{"type": "volume", "source": VOLUME, "destination": "/data"}],
        "memory": 64,
        "cpu": 0.5,
        "restart_policy": {"Name": "unless-stopped"},
    }
    with steps.step("Container") as step:
        made = cloud.post(several.CONTAINER, "/containers", body, run=True)
        running = _wait_until_running(cloud, made["uuid"], step)
        step.note(f"{CONTAINER}, {running['status']}")
    return running


def _wait_until_running(cloud: api.Cloud, uuid: str, step: steps.Step) -> dict[str, Any]:
    """The container once it runs. Failure: it went to Error or does not get there."""
    deadline = time.monotonic() + _PULL_PATIENCE
    while time.monotonic() < deadline:
        container = containers.wait_until_made(cloud, uuid, step, deadline=deadline)
        if container["status"] == "Running":
            return container
        time.sleep(0.1)
    raise Failure(f"{CONTAINER} does not run after {_PULL_PATIENCE:.0f} s; it is {container['status']}.")


def _find(cloud: api.Cloud) -> dict[str, Any] | None:
    found = cloud.get(several.CONTAINER, "/containers", name=CONTAINER)["containers"]
    return next((dict(container) for container in found if container["name"] == CONTAINER), None)


def _registry_in_reach() -> bool:
    try:
        socket.create_connection(_REGISTRY, timeout=3).close()
    except OSError:
        return False
    return True


def _built(cloud: api.Cloud) -> Image:
    """An image of the static busybox in the image service, uploaded as the tenant unless it is there already."""
    known = cloud.get("image", "/v2/images", name=BUILT, status="active")["images"]
    with steps.step("Image") as step:
        if known:
            step.note(_state(False, BUILT))
            return Image(known[0]["id"], "glance")
        # Only this pure maker of an archive is shared with the driver; what it makes travels through the public API.
        from boxship.drivers.engine import busybox

        content = busybox.image()
        wish = {"name": BUILT, "container_format": "docker", "disk_format": "raw"}
        image = cloud.post("image", "/v2/images", wish)
        cloud.upload(f"/v2/images/{image['id']}/file", _counted(content, step), len(content))
        step.note(f"{BUILT} built and uploaded, {len(content) / 2**20:.1f} MB")
    return Image(image["id"], "glance")


def _counted(content: bytes, step: steps.Step) -> Iterator[bytes]:
    for start in range(0, len(content), 1 << 16):
        step.progress(start, len(content))
        yield content[start : start + (1 << 16)]


def _fetch(cloud: api.Cloud, address: str) -> str | None:
    """The page, fetched over HTTP; None where the engine is fake and so nothing can answer."""
    if cloud.fake():
        steps.say("   THE ENGINE IS FAKE: nothing runs, so there is no page to fetch.")
        return None
    deadline = time.monotonic() + _FETCH_PATIENCE
    with steps.step("Fetch the page") as step:
        while True:
            connection = http.client.HTTPConnection(address, _PORT.number, timeout=2)
            try:
                connection.request("GET", "/")
                answer = connection.getresponse()
                page = answer.read(1 << 16).decode(errors="replace")
            except (OSError, http.client.HTTPException) as error:
                if time.monotonic() > deadline:
                    raise Failure(
                        f"http://{address}/ does not answer: {error}. See: boxship logs {CONTAINER}"
                    ) from error
                time.sleep(0.1)
                continue
            finally:
                connection.close()
            if answer.status != 200:
                raise Failure(f"http://{address}/ answers with status {answer.status}.")
            step.note(f"http://{address}/")
            return page


def _state(made: bool, what: str) -> str:
    return f"{what}: made" if made else f"{what}: is there"


def _next(state_dir: Path | None, address: str) -> str:
    option = f" --state-dir {state_dir}" if state_dir else ""
    boxship = steps.command()
    return f"""What to type next:
  curl http://{address}/
  {boxship} ps{option}
  {boxship} exec{option} {CONTAINER} sh -c 'date > /data/index.html'
  {boxship} run{option} --name mine --network {NETWORK} {IMAGE} -- sleep 1000
  eval "$({boxship} env{option})"        then any OpenStack client
  {boxship} destroy{option}              removes everything again
"""
