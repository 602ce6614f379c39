"""What devices are told of themselves, and that they are told of nobody else."""

from __future__ import annotations

import json
from ipaddress import ip_address
from typing import Any

import pytest

from boxship.core.db.database import Transaction
from boxship.drivers.linux.interface import Fabric, MetadataQuestion
from boxship.services.network import public
from boxship.services.network.live import metadata, pages
from tests.services.network.test_routers import _external, _routed
from tests.services.network.world import World

ROOT = "/openstack/latest/meta_data.json"


async def told(world: World, place: tuple[str, str], client: str, path: str = ROOT) -> tuple[int, str]:
    """What is answered to a question that comes in by a router or a name service."""
    page = await world.kernel.fake.metadata(MetadataQuestion(*place, ip_address(client), path))  # type: ignore[misc]  # it was begun
    return page.status, page.body.decode()


async def begun(world: World, *describers: public.Describe) -> None:
    fabric: Fabric = world.kernel.fake
    await metadata.Metadata(world.database, fabric, world.settings, describers).begin()


async def test_a_port_is_told_of_itself_by_either_way(world: World) -> None:
    await begun(world)
    network_id, _, router = await _routed(world)
    port = await world.made("alice", "/ports", network_id=network_id, dns_name="web", device_id="d1")
    floating = await world.made("alice", "/floatingips", floating_network_id=await _external(world), port_id=port["id"])
    for place in (("names", network_id), ("router", router["id"])):
        status, text = await told(world, place, "10.0.0.3")
        assert status == 200
        said = json.loads(text)
        assert (said["uuid"], said["name"], said["hostname"]) == ("d1", "web", "web.openstacklocal")
        assert (said["project_id"], said["availability_zone"]) == (port["project_id"], "nova")
    ec2 = {
        "instance-id": "d1",
        "local-ipv4": "10.0.0.3",
        "public-ipv4": floating["floating_ip_address"],
        "hostname": "web.openstacklocal",
        "mac": port["mac_address"],
        "security-groups": "default",
    }
    for name, value in ec2.items():
        assert await told(world, ("names", network_id), "10.0.0.3", f"/latest/meta-data/{name}") == (200, value)


async def test_nobody_is_told_of_another(world: World) -> None:
    """The same address in two networks; one that nobody has; a router's own; the external network."""
    await begun(world)
    network_id, _, router = await _routed(world)
    other, _ = await world.net("bob")
    mine = await world.made("alice", "/ports", network_id=network_id, device_id="mine")
    theirs = await world.made("bob", "/ports", network_id=other, device_id="theirs")
    assert mine["fixed_ips"][0]["ip_address"] == theirs["fixed_ips"][0]["ip_address"] == "10.0.0.3"
    for place, id in (
        (("names", network_id), "mine"),
        (("names", other), "theirs"),
        (("router", router["id"]), "mine"),
    ):
        assert json.loads((await told(world, place, "10.0.0.3"))[1])["uuid"] == id
    for place, client in (
        (("names", network_id), "10.0.0.99"),
        (("names", network_id), "10.0.0.1"),
        (("router", router["id"]), "172.24.4.2"),
        (("router", "nowhere"), "10.0.0.3"),
        (("names", "nowhere"), "10.0.0.3"),
    ):
        assert (await told(world, place, client))[0] == 404


async def test_other_services_say_more(world: World) -> None:
    async def describe(transaction: Transaction, owner: str, id: str) -> public.Described | None:
        del transaction
        if (owner, id) != ("compute:nova", "d1"):
            return None
        return public.Described(
            "Web One", "one.example.org", {"role": "web"}, {"mine": "ssh-ed25519 AAAA"}, b"#!/bin/sh\n"
        )

    await begun(world, describe)
    network_id, _ = await world.net()
    await world.made("alice", "/ports", network_id=network_id, device_id="d1", device_owner="compute:nova")
    await world.made("alice", "/ports", network_id=network_id, device_id="d2", device_owner="compute:nova", name="x")
    said: dict[str, Any] = json.loads((await told(world, ("names", network_id), "10.0.0.3"))[1])
    assert (said["name"], said["hostname"], said["meta"]) == ("Web One", "one.example.org", {"role": "web"})
    assert said["public_keys"] == {"mine": "ssh-ed25519 AAAA"}
    pages = {
        "/latest/user-data": (200, "#!/bin/sh\n"),
        "/openstack/latest/user_data": (200, "#!/bin/sh\n"),
        "/latest/meta-data/public-keys/": (200, "0=mine"),
        "/latest/meta-data/public-keys/0/openssh-key": (200, "ssh-ed25519 AAAA"),
    }
    for path, answer in pages.items():
        assert await told(world, ("names", network_id), "10.0.0.3", path) == answer
    assert json.loads((await told(world, ("names", network_id), "10.0.0.4"))[1])["name"] == "x"
    assert (await told(world, ("names", network_id), "10.0.0.4", "/latest/user-data"))[0] == 404


async def test_containers_know_the_way(world: World) -> None:
    network_id, _ = await world.net(gateway_ip=None)
    port = await world.made("alice", "/ports", network_id=network_id)
    await world.bind(port["id"])
    await world.settle()
    server = world.kernel.names[network_id].addresses[0].ip
    ways = [(str(route.destination), route.via) for route in world.kernel.ports[port["id"]].routes]
    assert ways == [("169.254.169.254/32", server)]


DEVICE = pages.Device(
    id="d1", name="n", hostname="h", project_id="p", zone="z", mac="m", local_ipv4="10.0.0.3", keys={"k": "ssh"}
)


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/", "2009-04-04\nlatest\nopenstack"),
        ("/openstack", "2012-08-10\nlatest"),
        ("/openstack/latest/", "meta_data.json"),
        ("/latest", "meta-data/"),
        ("/latest/meta-data/placement/", "availability-zone"),
        ("/latest/meta-data/placement/availability-zone?x=y", "z"),
        ("//latest//meta-data//instance-id", "d1"),
        ("/latest/meta-data/public-keys/0/", "openssh-key"),
        ("/latest/nothing", None),
        ("/openstack/../latest", None),
    ],
)
def test_pages_and_directories(path: str, answer: str | None) -> None:
    found = pages.page(DEVICE, path)
    assert (found and found[0].decode()) == answer
