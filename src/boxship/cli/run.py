"""``boxship run``: a container with its network, volumes and a way in, through the public API like any other client."""

from __future__ import annotations

import contextlib
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from boxship.cli import api, containers, several, steps, tenant
from boxship.cli.failure import Exit, Failure
from boxship.cli.options import state_dir_option

_NETWORK, _CIDR = "default", "10.20.0.0/24"
"""What is made when no network is named and the tenant has none."""


@dataclass(frozen=True, slots=True)
class VolumeWish:
    """A volume by name, where it appears in the container, and its size in GB if it has to be made."""

    name: str
    path: str
    size: int = 1


@click.command("run", context_settings={"allow_interspersed_args": False})
@state_dir_option
@click.option("--name", help="Its name, and its DNS name within the network.  [default: made up]")
@click.option("--network", help="The network to be on, by name or id.  [default: your only one, or a new one]")
@click.option(
    *("--volume", "volumes"),
    multiple=True,
    metavar="NAME:PATH[:GB]",
    help="Mount a volume; it is made (1 GB) when there is none of the name.",
)
@click.option(
    *("--publish", "ports"),
    multiple=True,
    metavar="PORT[/udp]",
    help="Let connections from outside reach this port, through a floating IP.",
)
@click.option("--env", "environment", multiple=True, metavar="NAME=VALUE", help="A variable of its environment.")
@click.option("--memory", type=click.IntRange(4), metavar="MB", help="The most memory it may use.  [default: 512]")
@click.option("--cpus", type=click.FloatRange(0.01), help="The most CPUs it may use.  [default: 1]")
@click.option("--interactive", is_flag=True, help="Keep its standard input open and give it a terminal.")
@click.option("--rm", "auto_remove", is_flag=True, help="Remove it when it ends.")
@click.option(
    "--image-driver", type=click.Choice(["docker", "glance"]), help="Where the image is.  [default: see above]"
)
@click.argument("image")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def run_command(state_dir: Path | None, image: str, command: tuple[str, ...], **options: Any) -> None:
    """Run a container and print its name and addresses. IMAGE is the name or id of an image in the cloud (openstack image
    list) or else one that the engine has or fetches from its registry.

    --publish opens the port to everybody in a security group made for this container, and gives it a floating IP, an
    address of its own that carries all its open ports: there is no mapping to another port. HOSTPORT:PORT is accepted
    where both are the same. `rm` takes both back.

    --interactive gives the container a terminal; attaching to it is not offered yet (exec runs commands in it).

    \b
    Examples:
      boxship run busybox -- sleep 1000
      boxship run --name web --publish 80 --volume site:/www busybox -- httpd -f -p 80 -h /www
    """
    volumes = [parse_volume(text) for text in options["volumes"]]
    ports = [parse_port(text) for text in options["ports"]]
    if ports and options["auto_remove"]:
        raise click.UsageError("--rm and --publish exclude each other: nobody would give the floating IP back.")
    body = request_body(image, command, options)
    cloud = api.connect(state_dir)
    # What is made on the way is taken back if the container itself is refused.
    with contextlib.ExitStack() as undo:
        network = _network(cloud, options["network"])
        body["nets"] = [{"network": network["id"]}]
        body["mounts"] = [_mount(cloud, wish, undo) for wish in volumes]
        body["image_driver"] = options["image_driver"] or _driver(cloud, image)
        if ports:
            with steps.step("Way to the outside") as step:
                _, made = tenant.ensure_router(cloud, network, f"{network['name']}-router")
                step.note("router made" if made else "router is there")
            _add_group(cloud, body, ports, undo)
        container = cloud.post(several.CONTAINER, "/containers", body, run=True)
        undo.pop_all()
    _report(cloud, container, ports)


def request_body(image: str, command: tuple[str, ...], options: dict[str, Any]) -> dict[str, Any]:
    """The options as the container API wants them; those not given are left out. UsageError: a variable without '='."""
    words = list(command[1:] if command[:1] == ("--",) else command)
    environment = dict(_variable(text) for text in options["environment"])
    body = {
        "image": image,
        "name": options["name"],
        "command": words,
        "environment": environment,
        "memory": options["memory"],
        "cpu": options["cpus"],
        "interactive": options["interactive"],
        "auto_remove": options["auto_remove"],
        "labels": {},
    }
    return {name: value for name, value in body.items() if value not in (None, [], {}) or name == "labels"}


def parse_volume(text: str) -> VolumeWish:
    """``NAME:PATH`` or ``NAME:PATH:GB``. UsageError: anything else."""
    match = re.fullmatch(r"([^:]+):(/[^:]*)(?::([1-9][0-9]{0,5}))?", text)
    if not match:
        raise click.UsageError(f"--volume {text!r} is not NAME:PATH or NAME:PATH:GB, with an absolute path.")
    return VolumeWish(match[1], match[2], int(match[3] or 1))


def parse_port(text: str) -> tenant.PublishedPort:
    """``PORT``, ``PORT:PORT``, each with ``/tcp`` or ``/udp``. UsageError: anything else, also two different ports."""
    match = re.fullmatch(r"(?:([0-9]{1,5}):)?([0-9]{1,5})(?:/(tcp|udp))?", text)
    if not match or not 0 < int(match[2]) < 65536:
        raise click.UsageError(f"--publish {text!r} is not PORT, PORT:PORT, or one of these with /udp.")
    if match[1] and int(match[1]) != int(match[2]):
        raise click.UsageError(
            f"--publish {text}: a floating IP carries every port under its own number; say --publish {match[2]}."
        )
    return tenant.PublishedPort(int(match[2]), match[3] or "tcp")


def _variable(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not name or not sign:
        raise click.UsageError(f"--env {text!r} is not NAME=VALUE.")
    return name, value


def _network(cloud: api.Cloud, name: str | None) -> dict[str, Any]:
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


def _mount(cloud: api.Cloud, wish: VolumeWish, undo: contextlib.ExitStack) -> dict[str, str]:
    with steps.step(f"Volume {wish.name}") as step:
        volume, made = tenant.ensure_volume(cloud, wish.name, wish.size)
        step.note(f"made, {wish.size} GB" if made else f"is there, {volume['size']} GB")
    if made:
        undo.callback(tenant.delete_volume, cloud, volume["id"])
    return {"type": "volume", "source": volume["id"], "destination": wish.path}


def _driver(cloud: api.Cloud, image: str) -> str:
    """glance where the cloud has an image of this name or id in Docker's format, docker otherwise."""
    by_name = cloud.get("image", "/v2/images", name=image, container_format="docker", status="active")["images"]
    if by_name:
        return "glance"
    uuid = re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", image)
    return "glance" if uuid else "docker"


def _add_group(
    cloud: api.Cloud, body: dict[str, Any], ports: list[tenant.PublishedPort], undo: contextlib.ExitStack
) -> None:
    """Open the ports in a security group of the container's own, beside the default one."""
    shown = ", ".join(f"{port.number}/{port.protocol}" for port in ports)
    with steps.step("Security group") as step:
        group, _ = tenant.ensure_group(cloud, f"published-{secrets.token_hex(4)}", ports)
        step.note(f"open to everybody: {shown}")
    undo.callback(tenant.delete, cloud, "security-groups", group["id"])
    body["security_groups"] = ["default", group["id"]]
    body["labels"] = {containers.GROUP_LABEL: group["id"]}


def _report(cloud: api.Cloud, container: dict[str, Any], ports: list[tenant.PublishedPort]) -> None:
    """Wait until it runs, publish it, and print what it is called and where it is."""
    with steps.step(f"Container {container['name']}") as step:
        container = containers.wait_until_made(cloud, container["uuid"], step)
        addresses = [entry for entries in container["addresses"].values() for entry in entries]
        step.note(f"{container['status']}, {', '.join(entry['addr'] for entry in addresses)}")
    click.echo(container["name"])
    if ports:
        with steps.step("Floating IP") as step:
            description = containers.published(container["uuid"])
            floating, _ = tenant.ensure_floating_ip(cloud, addresses[0]["port"], description)
            step.note(floating["floating_ip_address"])
        for port in ports:
            click.echo(f"{floating['floating_ip_address']}:{port.number}/{port.protocol}")
