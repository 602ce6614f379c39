"""The reconcilers: what the kernel is told, in which order, and that every interruption is mended."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from boxship.core import errors
from boxship.core.db import holds
from boxship.services.network import public
from boxship.services.network.store import tables
from tests.services.network.world import HOLDER, Interrupted, World
from tests.services.network.world import world as worlds

KINDS = ("networks", "ports", "groups", "routers", "names")


async def _plug(world: World, port_id: str) -> public.Plug:
    async with world.database.read() as transaction:
        return (await public.plugs(transaction, [port_id]))[0]


async def _plugged(world: World, network_id: str, name: str = "web", sandbox: str = "box") -> str:
    """A container's port: made and bound through the door."""
    caller = await world.caller("alice")
    holder = ("container", sandbox)
    async with world.database.write() as transaction:
        wish = public.PortWish(network_id=network_id, dns_name=name)
        port_id = await public.create_port(transaction, caller, world.settings, wish)
    await world.bind(port_id, sandbox, holder)
    return port_id


async def test_a_port_is_wired_with_all_that_it_needs_in_one_go(world: World) -> None:
    network_id, _ = await world.net(host_routes=[{"destination": "10.9.0.0/16", "nexthop": "10.0.0.9"}])
    port_id = await _plugged(world, network_id)
    assert not (await _plug(world, port_id)).active
    world.kernel.calls.clear()
    world.wakes.clear()
    ports = next(one for one in world.reconcilers if one.kind == "port")
    await ports.reconcile(port_id)
    assert world.kernel.calls == ["ensure_network", "ensure_group", "ensure_port"]
    spec = world.kernel.ports[port_id]
    assert [str(address) for address in spec.addresses] == ["10.0.0.3/24"]
    assert [(str(route.destination), str(route.via)) for route in spec.routes] == [
        ("10.9.0.0/16", "10.0.0.9"),
        ("0.0.0.0/0", "10.0.0.1"),
        ("169.254.169.254/32", "10.0.0.2"),
    ]
    assert (spec.sandbox, spec.interface, spec.guarded, len(spec.groups)) == ("box", "eth0", True, 1)
    plug = await _plug(world, port_id)
    assert plug.active
    assert plug.nameservers == ("10.0.0.2",)
    assert ("container", "box") in world.wakes
    world.kernel.calls.clear()
    await ports.reconcile(port_id)
    assert world.kernel.calls == ["ensure_port"]


async def test_a_port_without_a_gateway_has_no_default_route(world: World) -> None:
    network_id, _ = await world.net(gateway_ip=None)
    port_id = await _plugged(world, network_id)
    await world.settle()
    assert [str(route.destination) for route in world.kernel.ports[port_id].routes] == ["169.254.169.254/32"]


async def test_nothing_passes_a_port_that_is_down(world: World) -> None:
    network_id, _ = await world.net()
    port_id = await _plugged(world, network_id)
    await world.request("alice", "PUT", f"/ports/{port_id}", {"port": {"admin_state_up": False}})
    await world.settle()
    spec = world.kernel.ports[port_id]
    assert (spec.guarded, spec.groups) == (True, ())


async def test_members_of_a_remote_group_follow_its_ports(world: World) -> None:
    network_id, _ = await world.net()
    first = await _plugged(world, network_id, sandbox="one")
    await _plugged(world, network_id, "db", sandbox="two")
    await world.settle()
    (group,) = [spec for spec in world.kernel.groups.values() if spec.members]
    assert [str(ip) for ip in group.members] == ["10.0.0.3", "10.0.0.4"]
    async with world.database.write() as transaction:
        await public.delete_port(transaction, first, ("container", "one"))
    await world.settle()
    assert [str(ip) for ip in world.kernel.groups[group.id].members] == ["10.0.0.4"]


async def test_groups_that_name_each_other(world: World) -> None:
    network_id, _ = await world.net()
    one = await world.made("alice", "/security-groups", name="one")
    two = await world.made("alice", "/security-groups", name="two")
    for here, there in ((one, two), (two, one)):
        rule = {"security_group_id": here["id"], "direction": "ingress", "remote_group_id": there["id"]}
        await world.made("alice", "/security-group-rules", **rule)
    await world.made("alice", "/ports", network_id=network_id, security_groups=[one["id"]])
    await world.settle()
    assert len(world.kernel.groups[one["id"]].rules) == len(world.kernel.groups[two["id"]].rules) == 3
    assert [str(ip) for ip in world.kernel.groups[one["id"]].members] == ["10.0.0.3"]


async def test_names_of_wired_ports_are_told(world: World) -> None:
    network_id, _ = await world.net(dns_nameservers=["9.9.9.9"])
    port_id = await _plugged(world, network_id)
    await world.settle()
    spec = world.kernel.names[network_id]
    assert [(name, str(ip)) for name, ip in spec.records] == [("web", "10.0.0.3")]
    assert [str(ip) for ip in (*spec.forwarders, *spec.gateways)] == ["9.9.9.9", "10.0.0.1"]
    async with world.database.write() as transaction:
        await public.unbind_port(transaction, port_id, ("container", "box"))
    await world.settle()
    assert world.kernel.names[network_id].records == ()
    assert port_id not in world.kernel.ports


async def test_without_a_name_service_containers_ask_the_subnets_servers(world: World) -> None:
    network_id, _ = await world.net(enable_dhcp=False, dns_nameservers=["9.9.9.9"])
    port_id = await _plugged(world, network_id)
    await world.settle()
    assert world.kernel.names == {}
    assert (await _plug(world, port_id)).nameservers == ("9.9.9.9",)


async def test_a_held_port_is_not_deleted(world: World) -> None:
    network_id, _ = await world.net()
    port_id = await _plugged(world, network_id)
    sentence = await world.refused("alice", f"DELETE /ports/{port_id}", None, (409, "PortInUse"))
    assert "container" in sentence
    await world.refused("alice", f"DELETE /networks/{network_id}", None, (409, "NetworkInUse"))
    async with world.database.write() as transaction:
        await public.delete_port(transaction, port_id, ("container", "box"))
        await public.delete_port(transaction, port_id, ("container", "box"))
    assert (await world.request("alice", "GET", f"/ports/{port_id}")).status_code == 404
    await world.settle()
    assert world.kernel.ports == {}


async def test_a_port_of_a_user_outlives_the_container_and_serves_again(world: World) -> None:
    network_id, _ = await world.net()
    port = await world.made("alice", "/ports", network_id=network_id)
    for sandbox in ("one", "two"):
        holder = ("container", sandbox)
        await world.bind(port["id"], sandbox, holder)
        await world.settle()
        assert (await _plug(world, port["id"])).active
        assert (await _plug(world, port["id"])).preserved
        with pytest.raises(errors.Conflict, match="bound"):
            await world.bind(port["id"], "other", ("container", "other"))
        async with world.database.write() as transaction:
            await public.unbind_port(transaction, port["id"], holder)
        await world.settle()
        assert world.kernel.ports == {}
        shown = await world.shown("alice", f"/ports/{port['id']}")
        assert (shown["status"], shown["device_id"], shown["name"]) == ("DOWN", "", "")


async def test_refused_is_an_error_with_its_reason_and_delete_works(world: World) -> None:
    network_id, _ = await world.net()
    port_id = await _plugged(world, network_id)
    ports = next(one for one in world.reconcilers if one.kind == "port")
    world.wakes.clear()
    await ports.give_up(port_id, "The kernel says no.")
    plug = await _plug(world, port_id)
    assert (plug.active, plug.reason) == (False, "The kernel says no.")
    assert (await world.shown("alice", f"/ports/{port_id}"))["status"] == "ERROR"
    assert ("container", "box") in world.wakes
    await ports.sweep()
    assert (await _plug(world, port_id)).reason == "The kernel says no."
    async with world.database.write() as transaction:
        await public.delete_port(transaction, port_id, ("container", "box"))
    await world.settle()
    assert world.kernel.ports == {}


async def test_after_a_reboot_everything_is_made_again_and_nothing_is_relied_on(world: World) -> None:
    network_id, subnet_id = await world.net()
    port_id = await _plugged(world, network_id)
    external = (await world.request("alice", "GET", "/networks?router:external=True")).json()["networks"][0]["id"]
    router = await world.made("alice", "/routers", name="r", external_gateway_info={"network_id": external})
    await world.request("alice", "PUT", f"/routers/{router['id']}/add_router_interface", {"subnet_id": subnet_id})
    await world.settle()
    before = {kind: dict(getattr(world.kernel, kind)) for kind in KINDS}
    await world.kernel.destroy()
    world.fresh_reconcilers()
    ports = next(one for one in world.reconcilers if one.kind == "port")
    await ports.all()
    assert not (await _plug(world, port_id)).active
    await world.scan()
    assert {kind: getattr(world.kernel, kind) for kind in KINDS} == before
    assert len(world.kernel.uplinks) == 1
    assert (await _plug(world, port_id)).active


async def test_a_scan_of_what_is_settled_writes_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    network_id, _ = await world.net()
    await _plugged(world, network_id)
    await world.scan()
    world.wakes.clear()

    def write() -> None:
        raise AssertionError("a scan wrote")

    monkeypatch.setattr(world.database, "write", write)
    await world.scan()
    assert world.wakes == []


async def test_the_sweep_removes_orphans_and_mends_losses(world: World) -> None:
    network_id, _ = await world.net()
    port_id = await _plugged(world, network_id)
    await world.settle()
    spec = world.kernel.ports[port_id]
    world.kernel.ports["orphan"] = world.kernel.ports.pop(port_id)
    world.kernel.networks["orphan"] = world.kernel.networks[network_id]
    for one in world.reconcilers:
        await one.sweep()
    assert not (await _plug(world, port_id)).active
    await world.settle()
    assert world.kernel.ports == {port_id: spec}
    assert "orphan" not in world.kernel.networks


async def test_segments_are_the_smallest_free_and_wait_for_the_kernel(world: World) -> None:
    ids = [(await world.made("alice", "/networks", name="n"))["id"] for _ in range(3)]
    await world.settle()
    segments = [world.kernel.networks[id].segment for id in ids]
    assert segments == [2, 3, 4]
    await world.request("alice", "DELETE", f"/networks/{ids[1]}")
    early = await world.made("alice", "/networks", name="n")
    await world.settle()
    assert world.kernel.networks[early["id"]].segment == 5
    late = await world.made("alice", "/networks", name="n")
    await world.settle()
    assert world.kernel.networks[late["id"]].segment == 3


async def _life(world: World) -> None:
    """Everything that the service does for a project, from the first network to the last deletion but one."""
    network_id, subnet_id = await world.net()
    external = (await world.request("alice", "GET", "/networks?router:external=True")).json()["networks"][0]["id"]
    router = await world.made("alice", "/routers", name="r", external_gateway_info={"network_id": external})
    await world.request("alice", "PUT", f"/routers/{router['id']}/add_router_interface", {"subnet_id": subnet_id})
    kept = await _plugged(world, network_id, sandbox="kept")
    await world.made("alice", "/floatingips", floating_network_id=external, port_id=kept)
    gone = await _plugged(world, network_id, "db", sandbox="gone")
    await world.settle()
    group = await world.made("alice", "/security-groups", name="g")
    await world.made("alice", "/security-group-rules", security_group_id=group["id"], direction="ingress")
    await world.request("alice", "PUT", f"/ports/{kept}", {"port": {"security_groups": [group["id"]]}})
    async with world.database.write() as transaction:
        await public.delete_port(transaction, gone, ("container", "gone"))
    other, _ = await world.net(cidr="10.1.0.0/24")
    await world.settle()
    await world.request("alice", "DELETE", f"/networks/{other}")
    await world.settle()


def _picture(world: World) -> dict[str, Any]:
    """What is in the kernel, without the ids and MACs that differ from run to run."""
    kernel = world.kernel
    return {
        "networks": sorted(spec.segment for spec in kernel.networks.values()),
        "ports": sorted((str(spec.addresses), spec.sandbox, len(spec.groups)) for spec in kernel.ports.values()),
        "groups": sorted((len(spec.rules), str(spec.members)) for spec in kernel.groups.values()),
        "routers": [
            (len(spec.legs), str(spec.gateway and spec.gateway.addresses), [str(one.floating) for one in spec.floating])
            for spec in kernel.routers.values()
        ],
        "names": [str(spec.records) for spec in kernel.names.values()],
        "uplinks": str([spec.addresses for spec in kernel.uplinks.values()]),
    }


async def _restarting(world: World, life: Callable[[World], Awaitable[None]]) -> None:
    """Live; where the program dies in a reconciler, start it again and go on from there."""
    settle = world.settle

    async def mending(rounds: int = 30) -> None:
        try:
            await settle(rounds)
        except (Interrupted, errors.DriverError):
            world.fresh_reconcilers()
            await world.scan()

    world.settle = mending  # type: ignore[method-assign]  # the life under test calls it
    await life(world)


@pytest.mark.parametrize(
    ("failure", "after"),
    [
        (Interrupted(), False),
        (Interrupted(), True),
        (errors.Busy("not now"), False),
        (errors.Absent("look again"), False),
    ],
    ids=["killed before", "killed after", "busy", "absent"],
)
async def test_it_converges_after_any_interruption(tmp_path: Path, failure: Exception, after: bool) -> None:
    async with worlds(tmp_path) as undisturbed:
        await _life(undisturbed)
        expected, calls = _picture(undisturbed), len(undisturbed.kernel.calls)
    assert expected["ports"]
    for at in itertools.count(1):
        directory = tmp_path / str(at)
        directory.mkdir()
        async with worlds(directory) as world:
            world.kernel.fail_at, world.kernel.fail_after, world.kernel.failure = at, after, failure
            await _restarting(world, _life)
            world.fresh_reconcilers()
            await world.scan()
            assert _picture(world) == expected, f"interrupted at call {at}: {world.kernel.calls[at - 1]}"
            async with world.database.read() as transaction:
                assert await transaction.rows(sa.select(tables.removals)) == []
        if at >= calls:
            break


async def test_holds_are_the_containers(world: World) -> None:
    network_id, _ = await world.net()
    port = await world.made("alice", "/ports", network_id=network_id)
    await world.bind(port["id"])
    await world.bind(port["id"])
    async with world.database.read() as transaction:
        assert await holds.holders(transaction, ("port", port["id"])) == [HOLDER]


async def test_a_sandbox_is_in_use_until_its_ports_have_left_it(world: World) -> None:
    network_id, _ = await world.net()
    own = await _plugged(world, network_id, sandbox="box")
    borrowed = await world.made("alice", "/ports", network_id=network_id)
    await world.bind(borrowed["id"], "box", ("container", "box"))
    await world.settle()
    async with world.database.write() as transaction:
        await public.delete_port(transaction, own, ("container", "box"))
        await public.unbind_port(transaction, borrowed["id"], ("container", "box"))
    ports = next(one for one in world.reconcilers if one.kind == "port")
    for id in (own, borrowed["id"]):
        async with world.database.read() as transaction:
            assert await public.sandbox_in_use(transaction, "box")
        await ports.reconcile(id)
    async with world.database.read() as transaction:
        assert not await public.sandbox_in_use(transaction, "box")


async def test_a_port_that_is_unbound_and_bound_at_once_is_where_it_was_bound_last(world: World) -> None:
    network_id, _ = await world.net()
    port = await world.made("alice", "/ports", network_id=network_id)
    for sandbox in ("one", "two", "three"):
        await world.bind(port["id"], sandbox, ("container", sandbox))
        if sandbox == "one":
            await world.settle()
        if sandbox != "three":
            async with world.database.write() as transaction:
                await public.unbind_port(transaction, port["id"], ("container", sandbox))
    await world.settle()
    assert world.kernel.ports[port["id"]].sandbox == "three"
    async with world.database.read() as transaction:
        assert not await public.sandbox_in_use(transaction, "one")
        assert not await public.sandbox_in_use(transaction, "two")
