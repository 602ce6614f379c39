"""``boxship network``: the networks of containers that exist."""

from __future__ import annotations

from pathlib import Path

import click

from boxship.cli import api, completion, output, several, tenant
from boxship.cli.failure import Exit, Failure
from boxship.cli.options import state_dir_option

_PATIENCE = 60.0
_network = click.argument("network", shell_complete=completion.networks)
_containers = completion.container_argument("containers", nargs=-1, required=True)


@click.group("network")
def network_command() -> None:
    """Put containers on networks, running or not. Networks themselves are made by `openstack network create`."""


@network_command.command("attach")
@state_dir_option
@click.option("--ip", "address", metavar="IP", help="The address to have there.  [default: any]")
@_network
@_containers
def attach_command(state_dir: Path | None, network: str, containers: tuple[str, ...], address: str | None) -> int:
    """Put containers on one more network (name or id).

    \b
    Example:
      boxship network attach backend web worker-1
    """
    cloud = api.connect(state_dir)
    if address and len(containers) > 1:
        raise click.UsageError("--ip is for one container.")
    id = _find(cloud, network)

    def ask(name: str) -> None:
        cloud.post(several.CONTAINER, several.path(name, "network_attach"), network=id, fixed_ip=address)

    return several.change(cloud, containers, ask, _PATIENCE)


@network_command.command("detach")
@state_dir_option
@_network
@_containers
def detach_command(state_dir: Path | None, network: str, containers: tuple[str, ...]) -> int:
    """Take containers off a network (name or id).

    \b
    Example:
      boxship network detach backend web
    """
    cloud = api.connect(state_dir)
    id = _find(cloud, network)

    def ask(name: str) -> None:
        cloud.post(several.CONTAINER, several.path(name, "network_detach"), network=id)

    return several.change(cloud, containers, ask, _PATIENCE)


@network_command.command("ls")
@state_dir_option
@output.format_option
@completion.container_argument(required=False)
def ls_command(state_dir: Path | None, form: str, container: str | None) -> None:
    """List the networks that you can use, or those that a container is on.

    \b
    Examples:
      boxship network ls
      boxship network ls web
    """
    cloud = api.connect(state_dir)
    networks = cloud.all(tenant.NETWORK, "/v2.0/networks", "networks")
    if container is None:
        rows = [_row(network) for network in networks]
        output.rows(form, rows, ["name", "status", "shared", "external", "id"])
        return
    names = {network["id"]: network["name"] for network in networks}
    plugs = cloud.get(several.CONTAINER, several.path(container, "network_list"))["networks"]
    found = [
        {
            "name": names.get(plug["net_id"], plug["net_id"]),
            "addresses": [fixed["ip_address"] for fixed in plug["fixed_ips"]],
            "port": plug["port_id"],
            "id": plug["net_id"],
        }
        for plug in plugs
    ]
    output.rows(form, found, ["name", "addresses", "port", "id"])


def _row(network: dict[str, object]) -> dict[str, object]:
    return {
        "id": network["id"],
        "name": network["name"],
        "status": network["status"],
        "shared": network["shared"],
        "external": network["router:external"],
    }


def _find(cloud: api.Cloud, name: str) -> str:
    found = tenant.find_network(cloud, name)
    if found is None:
        raise Failure(f"There is no network {name}.", Exit.NOT_FOUND)
    return str(found["id"])
