"""``boxship run``: a container with its network, volumes and a way in, through the public API like any other client."""

from __future__ import annotations

import contextlib
import re
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from boxship.cli import api, containers, several, steps, tenant, wish
from boxship.cli.failure import Exit, Failure
from boxship.cli.options import state_dir_option

_NETWORK, _CIDR = "default", "10.20.0.0/24"
"""What is made when no network is named and the tenant has none."""


@click.command("run", context_settings={"allow_interspersed_args": False})
@state_dir_option
@wish.options
@click.argument("image")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def run_command(state_dir: Path | None, image: str, command: tuple[str, ...], **options: Any) -> int:
    """Run a container. IMAGE is the name or id of an image in the cloud (openstack image list) or else one that the engine has
    or fetches from its registry.

    Without -i and -t it runs in the background; its name and addresses are printed. With -it this terminal becomes its
    terminal, the keys ctrl-p ctrl-q leave it running, and the command ends as the container does.

    --publish opens the port to everybody in a security group made for this container, and gives it a floating IP, an
    address of its own that carries all its open ports: there is no mapping to another port. HOSTPORT:PORT is accepted
    where both are the same. `rm` takes both back.

    \b
    Examples:
      boxship run busybox -- sleep 1000
      boxship run -it --rm busybox
      boxship run --name web --publish 80 --volume site:/www busybox -- httpd -f -p 80 -h /www
      boxship run --name db --memory 1g --restart always --env-file db.env --volume 5:/data postgres:17
    """
    staying = (options["interactive"] or options["tty"]) and not options["detach"]
    body = wish.request_body(image, command, options)
    parts = wish.parts(options)
    if parts.ports and options["auto_remove"] and not staying:
        raise click.UsageError("--rm and --publish need -it here: nobody would give the floating IP back.")
    if staying:
        body.pop("auto_remove", None)  # its exit code has to be read first
    cloud = api.connect(state_dir)
    made = _create(cloud, body, parts, options["image_driver"])
    if not staying:
        _report(cloud, made, parts.ports)
        return Exit.OK
    from boxship.cli import sessions

    with sessions.removed_at_the_end(cloud, made, wanted=options["auto_remove"]):
        addresses = _start(cloud, made)
        if parts.ports:
            _publish(cloud, made, addresses, parts.ports)
        return sessions.stay(cloud, made, options)
    return Exit.OK


def _create(cloud: api.Cloud, body: dict[str, Any], parts: wish.Parts, image_driver: str | None) -> several.Container:
    """The container, asked for with all that it needs. What is made on the way is taken back if it is refused."""
    with contextlib.ExitStack() as undo:
        found = [(network_of(cloud, one.name), one.address) for one in parts.networks or [wish.NetworkWish("")]]
        body["nets"] = [_net(network["id"], address) for network, address in found]
        body["mounts"] = [*(_mount(cloud, volume, undo) for volume in parts.volumes), *parts.files]
        body["image_driver"] = image_driver or _driver(cloud, body["image"])
        if parts.ports:
            _ensure_way(cloud, found[0][0])
            _add_group(cloud, body, parts.ports, undo)
        container = cloud.post(several.CONTAINER, "/containers", body, run=True)
        assert isinstance(container, dict)
        undo.pop_all()
    return container


def _net(network: str, address: str) -> dict[str, str]:
    if not address:
        return {"network": network}
    return {"network": network, "v6-fixed-ip" if ":" in address else "v4-fixed-ip": address}


def network_of(cloud: api.Cloud, name: str) -> dict[str, Any]:
    """The named network, or the tenant's only one, or a new one if there is none."""
    if name:
        found = tenant.find_network(cloud, name)
        if found is None:
            raise Failure(f"There is no network {name}. Make it: openstack network create {name}", Exit.NOT_FOUND)
        return found
    own = tenant.own_networks(cloud)
    if len(own) > 1:
        names = ", ".join(network["name"] for network in own[:5])
        raise Failure(f"You have several networks ({names}); choose one with --network.", Exit.USAGE)
    if own:
        return own[0]
    with steps.step(f"Network {_NETWORK}") as step:
        network, _ = tenant.ensure_network(cloud, _NETWORK, _CIDR)
        tenant.ensure_router(cloud, network, f"{_NETWORK}-router")
        step.note(f"made, {_CIDR}, with a router")
    return network


def _mount(cloud: api.Cloud, volume: wish.VolumeWish, undo: contextlib.ExitStack) -> dict[str, str]:
    if not volume.name:
        return {"type": "volume", "size": str(volume.size), "destination": volume.path}
    with steps.step(f"Volume {volume.name}") as step:
        found, made = tenant.ensure_volume(cloud, volume.name, volume.size)
        step.note(f"made, {volume.size} GB" if made else f"is there, {found['size']} GB")
    if made:
        undo.callback(tenant.delete_volume, cloud, found["id"])
    return {"type": "volume", "source": found["id"], "destination": volume.path}


def _ensure_way(cloud: api.Cloud, network: dict[str, Any]) -> None:
    with steps.step("Way to the outside") as step:
        _, made = tenant.ensure_router(cloud, network, f"{network['name']}-router")
        step.note("router made" if made else "router is there")


def _driver(cloud: api.Cloud, image: str) -> str:
    """glance where the cloud has an image of this name or id in Docker's format, docker otherwise."""
    by_name = cloud.get("image", "/v2/images", name=image, container_format="docker", status="active")["images"]
    if by_name:
        return "glance"
    uuid = re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", image)
    return "glance" if uuid else "docker"


def _add_group(
    cloud: api.Cloud, body: dict[str, Any], ports: Sequence[tenant.PublishedPort], undo: contextlib.ExitStack
) -> None:
    """Open the ports in a security group of the container's own, beside the default one."""
    shown = ", ".join(f"{port.number}/{port.protocol}" for port in ports)
    with steps.step("Security group") as step:
        group, _ = tenant.ensure_group(cloud, f"published-{secrets.token_hex(4)}", ports)
        step.note(f"open to everybody: {shown}")
    undo.callback(tenant.delete, cloud, "security-groups", group["id"])
    body["security_groups"] = [*body.get("security_groups", ["default"]), group["id"]]
    body["labels"] = {**body.get("labels", {}), containers.GROUP_LABEL: group["id"]}


def _report(cloud: api.Cloud, container: several.Container, ports: Sequence[tenant.PublishedPort]) -> None:
    """Wait until it runs, publish it, and print what it is called and where it is."""
    addresses = _start(cloud, container)
    click.echo(container["name"])
    if ports:
        _publish(cloud, container, addresses, ports)


def _start(cloud: api.Cloud, container: several.Container) -> list[dict[str, Any]]:
    """Wait until it was started; its addresses. Failure: it cannot be."""
    with steps.step(f"Container {container['name']}") as step:
        container = containers.wait_until_made(cloud, container["uuid"], step)
        addresses = [entry for entries in container["addresses"].values() for entry in entries]
        step.note(f"{container['status']}, {', '.join(entry['addr'] for entry in addresses)}")
    return addresses


def _publish(
    cloud: api.Cloud,
    container: several.Container,
    addresses: list[dict[str, Any]],
    ports: Sequence[tenant.PublishedPort],
) -> None:
    """Give it a floating IP, and print where its ports are now."""
    with steps.step("Floating IP") as step:
        description = containers.published(container["uuid"])
        floating, _ = tenant.ensure_floating_ip(cloud, addresses[0]["port"], description)
        step.note(floating["floating_ip_address"])
    for port in ports:
        click.echo(f"{floating['floating_ip_address']}:{port.number}/{port.protocol}")
