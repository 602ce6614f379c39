"""What the victim has: one resource of every kind, made through the public API; each creation is also the example of a
good body of its route, which the attacks start from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.hostile.world import World

NAME = "known-to-alice-only"


async def plant(world: World) -> None:
    """Make all of it, lowest service first."""
    for path, body in _bodies(world):
        answer = await world.cloud.request(world.tokens["alice"], "POST", path, json=body(world), headers=VERSIONS)
        assert answer.is_success, f"{path}: {answer.text}"
        _keep(world, path, answer.json())
    image = world.examples["image/images"]
    answer = await world.cloud.request(
        world.tokens["alice"],
        "PUT",
        f"/image/v2/images/{image}/file",
        content=b"no archive, but bytes",
        headers={"Content-Type": "application/octet-stream"},
    )
    assert answer.is_success, answer.text
    world.examples |= {"image/tags": "tag", "image/schemas": "image", "volume/metadata": "key", "network/tags": "tag"}


VERSIONS = {"OpenStack-API-Version": "container 1.40, volume 3.60"}


def good_body(world: World, path: str) -> Any:
    """A body that the route accepts, or None where no seed tells."""
    for at, body in _bodies(world):
        if at == path:
            return body(world)
    return None


def _keep(world: World, path: str, answer: Any) -> None:
    resource = answer if "id" in answer or "uuid" in answer else next(iter(answer.values()))
    id = str(resource.get("id") or resource["uuid"])
    service, _, rest = path.strip("/").partition("/")
    collection = rest.rstrip("/").rpartition("/")[2]
    world.examples.setdefault(f"{service}/{collection}", id)
    world.owned.add(id)


def _bodies(world: World) -> list[tuple[str, Any]]:
    volumes = f"/volume/v3/{world.ids['alice project']}/volumes"
    return [
        ("/image/v2/images", _image),
        ("/network/v2.0/networks", lambda _: {"network": {"name": NAME}}),
        ("/network/v2.0/subnets", _subnet),
        ("/network/v2.0/security-groups", lambda _: {"security_group": {"name": NAME, "description": NAME}}),
        ("/network/v2.0/security-group-rules", _rule),
        ("/network/v2.0/ports", lambda world: {"port": {"name": NAME, "network_id": of(world, "network/networks")}}),
        ("/network/v2.0/routers", lambda _: {"router": {"name": NAME}}),
        ("/network/v2.0/floatingips", _floating),
        (volumes, lambda _: {"volume": {"size": 1, "name": NAME, "metadata": {"key": NAME}}}),
        ("/container/v1/containers", _container),
    ]


def of(world: World, collection: str) -> str:
    return world.examples[collection]


def _image(_world: World) -> dict[str, Any]:
    return {"name": NAME, "container_format": "docker", "disk_format": "raw", "visibility": "private", "tags": ["tag"]}


def _subnet(world: World) -> dict[str, Any]:
    return {
        "subnet": {
            "name": NAME,
            "network_id": of(world, "network/networks"),
            "ip_version": 4,
            "cidr": f"10.{len(world.examples)}.0.0/24",
        }
    }


def _rule(world: World) -> dict[str, Any]:
    return {
        "security_group_rule": {
            "security_group_id": of(world, "network/security-groups"),
            "direction": "ingress",
            "protocol": "tcp",
            "port_range_min": 80 + len(world.examples),
            "port_range_max": 80 + len(world.examples),
            "description": NAME,
        }
    }


def _floating(world: World) -> dict[str, Any]:
    return {"floatingip": {"floating_network_id": public_network(world), "description": NAME}}


def public_network(world: World) -> str:
    """The id of the external network that every cloud has."""
    row = world.database.execute("SELECT id FROM networks WHERE name = 'public'").fetchone()
    return str(row[0])


def _container(world: World) -> dict[str, Any]:
    return {
        "name": f"{NAME}-{len(world.examples)}",
        "image": "busybox",
        "image_driver": "docker",
        "command": ["sleep", "60"],
        "nets": [{"network": of(world, "network/networks")}],
        "environment": {"SECRET": NAME},
    }
