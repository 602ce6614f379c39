"""What the victim has: one resource of every kind, made through the public API; each creation is also the example of a
good body of its route, which the attacks start from."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.hostile.world import World

NAME = "known-to-alice-only"


Examples = dict[str, str]
"""``service/collection`` to the id of one resource in it."""


async def plant(world: World, user: str) -> Examples:
    """Make all of it for the user, lowest service first."""
    examples: Examples = {}
    for path, body in _bodies(world.ids[f"{user} project"]):
        wish = json.dumps(body(world, examples)).replace(NAME, f"known-to-{user}-only")
        answer = await world.cloud.request(world.tokens[user], "POST", path, content=wish, headers=VERSIONS)
        assert answer.is_success, f"{path}: {answer.text}"
        _keep(examples, path, answer.json())
        _settle(world)
    image = f"/image/v2/images/{examples['image/images']}"
    octets = {"Content-Type": "application/octet-stream"}
    for method, path, options in (
        ("PUT", f"{image}/file", {"content": b"no archive, but bytes", "headers": octets}),
        ("POST", f"{image}/members", {"json": {"member": MEMBER}}),
    ):
        answer = await world.cloud.request(world.tokens[user], method, path, **options)
        assert answer.is_success, answer.text
    return examples | {"image/tags": "tag", "image/schemas": "image", "volume/metadata": "key", "image/members": MEMBER}


IN_STACKS = {"{stack}": "stack", "{id}": "", "{name}": "thing", "{key}": "out"}
"""What the paths of stacks are filled with; empty: the id of the stack."""
MEMBER = "d" * 32
"""A project that an image is shared with."""
VERSIONS = {
    "OpenStack-API-Version": "container 1.40, volume latest, shared-file-system latest",
    "Content-Type": "application/json",
}


def _settle(world: World) -> None:
    """Reconcilers stand still here: what they would have made by now is there."""
    done = "made = 1, observed = generation, status = 'available'"
    world.database.execute(
        "UPDATE volumes SET made = 1, made_size = size, observed = generation, errand = '', "
        "status = CASE claim WHEN '' THEN 'available' ELSE claim END"
    )
    world.database.execute("UPDATE shares SET made_size = size")
    world.database.execute("UPDATE stacks SET status = 'COMPLETE'")
    for table in ("volume_snapshots", "volume_backups", "shares", "share_snapshots"):
        world.database.execute(f"UPDATE {table} SET {done}")  # noqa: S608 (names of tables)


def good_body(world: World, path: str, project: str, examples: Examples) -> Any:
    """A body that the route accepts from the owner of these examples, or None where no seed tells."""
    for at, body in _bodies(project):
        if at == path:
            return body(world, examples)
    return None


def _keep(examples: Examples, path: str, answer: Any) -> None:
    resource = answer if "id" in answer or "uuid" in answer else next(iter(answer.values()))
    service, _, rest = path.strip("/").partition("/")
    examples[f"{service}/{rest.rpartition('/')[2]}"] = str(resource.get("id") or resource["uuid"])


def _bodies(project: str) -> list[tuple[str, Callable[[World, Examples], Any]]]:
    return [
        ("/image/v2/images", _image),
        ("/network/v2.0/networks", lambda _world, _: {"network": {"name": NAME}}),
        ("/network/v2.0/subnets", _subnet),
        (
            "/network/v2.0/subnetpools",
            lambda _world, _: {"subnetpool": {"name": NAME, "prefixes": ["10.240.0.0/16"], "min_prefixlen": 24}},
        ),
        ("/network/v2.0/security-groups", lambda _world, _: {"security_group": {"name": NAME, "description": NAME}}),
        ("/network/v2.0/security-group-rules", _rule),
        ("/network/v2.0/ports", _port),
        ("/network/v2.0/routers", lambda _world, _: {"router": {"name": NAME}}),
        ("/network/v2.0/floatingips", _floating),
        *_storage(f"/volume/v3/{project}"),
        ("/share/v2/shares", lambda _world, _: {"share": _share()}),
        ("/share/v2/snapshots", lambda _world, made: {"snapshot": {"name": NAME, "share_id": made["share/shares"]}}),
        ("/share/v2/shares", lambda _world, _: {"share": _share()}),
        ("/container/v1/containers", _container),
        ("/container/v1/registries", _registry),
        (f"/orchestration/v1/{project}/stacks", lambda _world, _: _stack()),
        (f"/orchestration/v1/{project}/software_configs", lambda _world, _: {"name": NAME, "config": NAME}),
        (f"/orchestration/v1/{project}/software_deployments", _deployment),
    ]


def _stack() -> dict[str, Any]:
    """A stack whose only resource is there from the start."""
    thing = {"type": "OS::Heat::TestResource", "properties": {"value": NAME}, "metadata": {"key": NAME}}
    template = {"heat_template_version": "2021-04-16", "description": NAME, "resources": {IN_STACKS["{name}"]: thing}}
    template["outputs"] = {IN_STACKS["{key}"]: {"value": NAME}}
    adopted = {"template": template, "resources": {IN_STACKS["{name}"]: {"resource_id": NAME}}}
    return {"stack_name": IN_STACKS["{stack}"], "adopt_stack_data": adopted, "tags": NAME}


def _deployment(_world: World, made: Examples) -> dict[str, Any]:
    config = made["orchestration/software_configs"]
    return {"config_id": config, "server_id": NAME, "input_values": {"key": NAME}}


def _storage(project: str) -> list[tuple[str, Callable[[World, Examples], Any]]]:
    """A volume for all that keeps it from being used, another one to be given away, and last the one that is attacked."""
    volume = (f"{project}/volumes", lambda _world, _: {"volume": {"size": 1, "name": NAME, "metadata": {"key": NAME}}})
    return [
        volume,
        (f"{project}/snapshots", lambda _world, made: {"snapshot": _of_volume(made, metadata={"key": NAME})}),
        (f"{project}/backups", lambda _world, made: {"backup": _of_volume(made)}),
        (f"{project}/attachments", lambda _world, made: {"attachment": {"volume_uuid": made["volume/volumes"]}}),
        volume,
        (f"{project}/volume-transfers", lambda _world, made: {"transfer": _of_volume(made)}),
        volume,
    ]


def _share() -> dict[str, Any]:
    """The first is kept by its snapshot, the second is attacked."""
    return {"name": NAME, "size": 1, "share_proto": "NFS", "metadata": {"key": NAME}}


def _of_volume(examples: Examples, **more: Any) -> dict[str, Any]:
    return {"name": NAME, "volume_id": examples["volume/volumes"], **more}


def _image(_world: World, _: Examples) -> dict[str, Any]:
    return {"name": NAME, "container_format": "docker", "disk_format": "raw", "visibility": "shared", "tags": ["tag"]}


def _subnet(_world: World, examples: Examples) -> dict[str, Any]:
    number = 20 + len(examples)  # another one than the seed's own, so that the route can be called again
    wish = {"network_id": examples["network/networks"], "ip_version": 4, "cidr": f"10.{number}.0.0/24"}
    return {"subnet": {"name": NAME, **wish}}


def _rule(_world: World, examples: Examples) -> dict[str, Any]:
    port = 80 + len(examples)
    ports = {"protocol": "tcp", "port_range_min": port, "port_range_max": port}
    group = examples["network/security-groups"]
    return {"security_group_rule": {"security_group_id": group, "direction": "ingress", "description": NAME, **ports}}


def _port(_world: World, examples: Examples) -> dict[str, Any]:
    return {"port": {"name": NAME, "network_id": examples["network/networks"]}}


def _floating(world: World, _: Examples) -> dict[str, Any]:
    return {"floatingip": {"floating_network_id": public_network(world), "description": NAME}}


def public_network(world: World) -> str:
    """The id of the external network that every cloud has."""
    row = world.database.execute("SELECT id FROM networks WHERE name = 'public'").fetchone()
    return str(row[0])


def _registry(_world: World, examples: Examples) -> dict[str, Any]:
    wish = {"name": f"{NAME}-{len(examples)}", "domain": f"{NAME}.example", "username": NAME, "password": NAME}
    return {"registry": wish}


def _container(_world: World, examples: Examples) -> dict[str, Any]:
    return {
        "name": f"{NAME}-{len(examples)}",
        "image": "busybox",
        "image_driver": "docker",
        "command": ["sleep", "60"],
        "nets": [{"network": examples["network/networks"]}],
        "environment": {"SECRET": NAME},
    }
