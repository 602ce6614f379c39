"""What every ``Fabric`` must do, asked of the fake and of the real kernel alike: levels, repetition, sight, errors.

What only shows in packets is in ``tests/conformance/fabric``.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from ipaddress import ip_address, ip_interface, ip_network
from pathlib import Path

import pytest
import pytest_asyncio

from boxship.core.errors import Absent, Busy, Refused
from boxship.drivers.linux.fake import FakeFabric
from boxship.drivers.linux.interface import (
    AddressPair,
    Fabric,
    FabricSight,
    GroupSpec,
    NamesSpec,
    NetworkSpec,
    PortSpec,
    Route,
    RouterPort,
    RouterSpec,
    RuleSpec,
)
from boxship.drivers.linux.kernel import KernelFabric
from tests.conformance.fabric.leftovers import leftovers

NET, OTHER_NET = "a0000000-0000-4000-8000-000000000001", "a1000000-0000-4000-8000-000000000002"
PORT, OTHER_PORT = "b0000000-0000-4000-8000-000000000001", "b1000000-0000-4000-8000-000000000002"
GROUP, OTHER_GROUP = "c0000000-0000-4000-8000-000000000001", "c1000000-0000-4000-8000-000000000002"
ROUTER = "d0000000-0000-4000-8000-000000000001"
LEG, NAMES_LEG = "e0000000-0000-4000-8000-000000000001", "e1000000-0000-4000-8000-000000000002"

NETWORK = NetworkSpec(NET, 1)
GROUP_SPEC = GroupSpec(GROUP, (RuleSpec("egress", 4), RuleSpec("ingress", 4, 6, 80, 80)), (ip_address("10.0.0.5"),))
PORT_SPEC = PortSpec(
    id=PORT,
    network_id=NET,
    mac="fa:16:3e:00:00:01",
    addresses=(ip_interface("10.0.0.5/24"), ip_interface("fd00::5/64")),
    sandbox="box",
    interface="eth0",
    routes=(Route(ip_network("0.0.0.0/0"), ip_address("10.0.0.1")),),
    groups=(GROUP,),
    pairs=(AddressPair("fa:16:3e:00:00:01", ip_network("10.0.0.64/28")),),
)
PLUG_SPEC = replace(PORT_SPEC, sandbox="", interface=f"bxp{secrets.token_hex(6)}")
ROUTER_SPEC = RouterSpec(ROUTER, legs=(RouterPort(LEG, NET, "fa:16:3e:00:00:02", (ip_interface("10.0.0.1/24"),)),))
NAMES_SPEC = NamesSpec(
    NET,
    NAMES_LEG,
    "fa:16:3e:00:00:03",
    (ip_interface("10.0.0.2/24"),),
    "example.org",
    (("web", ip_address("10.0.0.5")),),
)
NONE: frozenset[str] = frozenset()
NOTHING = FabricSight(NONE, NONE, NONE, NONE, NONE, NONE, uplinks=NONE)

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root")


@dataclass
class Made:
    fabric: Fabric
    mark: str
    run: Path

    def again(self) -> Fabric:
        """The driver of a restarted program; the fake's world ends with the program, as the kernel's with a boot."""
        if isinstance(self.fabric, KernelFabric):
            self.fabric = KernelFabric(self.mark, self.run)
        return self.fabric


@pytest_asyncio.fixture(params=["fake", pytest.param("kernel", marks=[pytest.mark.system, needs_root])])
async def made(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Made]:
    mark = secrets.token_hex(2)
    run = Path(f"/run/boxship-test-{mark}")
    fabric: Fabric = FakeFabric(tmp_path) if request.param == "fake" else KernelFabric(mark, run)
    await fabric.open()
    found = Made(fabric, mark, run)
    try:
        yield found
    finally:
        await found.fabric.destroy()
    assert leftovers(mark, run) == []


@pytest.fixture
def fabric(made: Made) -> Fabric:
    return made.fabric


async def everything(fabric: Fabric) -> None:
    await fabric.ensure_network(NETWORK)
    await fabric.ensure_group(GROUP_SPEC)
    await fabric.ensure_port(PORT_SPEC)
    await fabric.ensure_router(ROUTER_SPEC)
    await fabric.ensure_names(NAMES_SPEC)


WHOLE = FabricSight(
    networks=frozenset({NET}),
    ports=frozenset({PORT}),
    groups=frozenset({GROUP}),
    routers=frozenset({ROUTER}),
    names=frozenset({NET}),
    sandboxes=frozenset({"box"}),
    uplinks=frozenset(),
)


async def test_a_new_fabric_is_empty(fabric: Fabric) -> None:
    assert await fabric.sight() == NOTHING


async def test_what_was_made_is_in_sight(fabric: Fabric) -> None:
    await everything(fabric)
    assert await fabric.sight() == WHOLE


async def test_every_verb_may_be_repeated(fabric: Fabric) -> None:
    await everything(fabric)
    await fabric.open()
    await everything(fabric)
    assert await fabric.sight() == WHOLE
    for _ in range(2):
        await fabric.remove_names(NET)
        await fabric.remove_router(ROUTER)
        await fabric.remove_port(PORT)
        await fabric.remove_group(GROUP)
        await fabric.remove_sandbox("box")
        await fabric.remove_network(NET)
        await fabric.remove_uplink(NET)
    assert await fabric.sight() == NOTHING


async def test_all_is_found_again_after_a_restart(made: Made) -> None:
    await everything(made.fabric)
    await made.fabric.close()
    fabric = made.again()
    await fabric.open()
    assert await fabric.sight() == WHOLE
    await everything(fabric)
    assert await fabric.sight() == WHOLE


async def test_a_destroyed_fabric_can_be_opened_again(fabric: Fabric) -> None:
    for _ in range(2):
        await everything(fabric)
        await fabric.destroy()
        assert await fabric.sight() == NOTHING
        await fabric.destroy()
        await fabric.open()


async def test_a_port_needs_its_network(fabric: Fabric) -> None:
    await fabric.ensure_group(GROUP_SPEC)
    with pytest.raises(Absent):
        await fabric.ensure_port(PORT_SPEC)
    assert not (await fabric.sight()).ports


async def test_a_port_needs_its_groups(fabric: Fabric) -> None:
    """And is not there, not even open, without them; nor does the attempt hinder the next one."""
    await fabric.ensure_network(NETWORK)
    with pytest.raises(Absent):
        await fabric.ensure_port(PORT_SPEC)
    assert not (await fabric.sight()).ports
    await fabric.ensure_group(GROUP_SPEC)
    await fabric.ensure_port(PORT_SPEC)
    assert (await fabric.sight()).ports == {PORT}


async def test_a_port_without_guard_needs_no_group(fabric: Fabric) -> None:
    await fabric.ensure_network(NETWORK)
    await fabric.ensure_port(replace(PORT_SPEC, guarded=False))
    assert (await fabric.sight()).ports == {PORT}


async def test_routers_and_names_need_their_networks(fabric: Fabric) -> None:
    with pytest.raises(Absent):
        await fabric.ensure_router(ROUTER_SPEC)
    with pytest.raises(Absent):
        await fabric.ensure_names(NAMES_SPEC)
    assert await fabric.sight() == NOTHING


async def test_a_group_is_busy_while_a_port_is_filtered_by_it(fabric: Fabric) -> None:
    await everything(fabric)
    with pytest.raises(Busy):
        await fabric.remove_group(GROUP)
    await fabric.ensure_group(GroupSpec(OTHER_GROUP, ()))
    await fabric.ensure_port(replace(PORT_SPEC, groups=(OTHER_GROUP,)))
    await fabric.remove_group(GROUP)
    assert (await fabric.sight()).groups == {OTHER_GROUP}


async def test_groups_may_name_each_other(fabric: Fabric) -> None:
    first = GroupSpec(GROUP, (RuleSpec("ingress", 4, remote_group=OTHER_GROUP),))
    second = GroupSpec(OTHER_GROUP, (RuleSpec("ingress", 6, remote_group=GROUP),))
    await fabric.ensure_group(first)
    await fabric.ensure_group(second)
    await fabric.remove_group(GROUP)
    await fabric.remove_group(OTHER_GROUP)
    assert await fabric.sight() == NOTHING


async def test_a_sandbox_has_its_path_before_and_after_it_exists(fabric: Fabric) -> None:
    path = fabric.sandbox_path("box")
    assert path.is_absolute()
    await fabric.ensure_sandbox("box")
    assert fabric.sandbox_path("box") == path
    await fabric.remove_sandbox("box")
    assert fabric.sandbox_path("box") == path


async def test_ports_go_with_their_sandbox_and_can_be_made_again(fabric: Fabric) -> None:
    await everything(fabric)
    await fabric.remove_sandbox("box")
    assert (await fabric.sight()).ports == NONE
    await fabric.ensure_port(PORT_SPEC)
    assert (await fabric.sight()) == WHOLE


async def test_a_port_can_move_to_another_sandbox_and_network(fabric: Fabric) -> None:
    await everything(fabric)
    await fabric.ensure_network(NetworkSpec(OTHER_NET, 2))
    await fabric.ensure_port(replace(PORT_SPEC, sandbox="crate", network_id=OTHER_NET))
    sight = await fabric.sight()
    assert (sight.ports, sight.sandboxes) == (frozenset({PORT}), frozenset({"box", "crate"}))


async def test_a_port_can_end_on_the_host(made: Made) -> None:
    await made.fabric.ensure_network(NETWORK)
    await made.fabric.ensure_group(GROUP_SPEC)
    for _ in range(2):
        await made.fabric.ensure_port(PLUG_SPEC)
    sight = await made.fabric.sight()
    assert (sight.ports, sight.sandboxes) == (frozenset({PORT}), NONE)
    await made.fabric.close()
    fabric = made.again()
    await fabric.open()
    await fabric.ensure_port(replace(PLUG_SPEC, guarded=False, groups=()))
    await fabric.remove_group(GROUP)
    for _ in range(2):
        await fabric.remove_port(PORT)
    assert (await fabric.sight()).ports == NONE


async def test_a_port_moves_from_a_sandbox_to_the_host_and_back(fabric: Fabric) -> None:
    await everything(fabric)
    await fabric.ensure_port(PLUG_SPEC)
    await fabric.remove_sandbox("box")
    assert (await fabric.sight()).ports == {PORT}
    await fabric.ensure_port(PORT_SPEC)
    assert await fabric.sight() == WHOLE


@pytest.mark.parametrize("interface", ["eth0", "lo", "docker0", "bxp", "bxp0123456789ag", "bxp0123456789abc"])
async def test_a_device_on_the_host_has_a_name_that_no_other_has(fabric: Fabric, interface: str) -> None:
    await fabric.ensure_network(NETWORK)
    await fabric.ensure_group(GROUP_SPEC)
    with pytest.raises(Refused):
        await fabric.ensure_port(replace(PLUG_SPEC, interface=interface))
    assert (await fabric.sight()).ports == NONE


async def test_two_ports_in_one_sandbox(fabric: Fabric) -> None:
    await everything(fabric)
    second = replace(
        PORT_SPEC,
        id=OTHER_PORT,
        mac="fa:16:3e:00:00:09",
        interface="eth1",
        addresses=(ip_interface("10.0.0.6/24"),),
        routes=(),
        pairs=(),
    )
    await fabric.ensure_port(second)
    await fabric.remove_port(PORT)
    sight = await fabric.sight()
    assert (sight.ports, sight.sandboxes) == (frozenset({OTHER_PORT}), frozenset({"box"}))


@pytest.mark.parametrize("id", ["", "..", "../x", "a/b", "a b", "a\nb", "-x", "a;b", "$(x)", "x" * 300])
async def test_a_name_never_leads_elsewhere(fabric: Fabric, id: str) -> None:
    """Paths, commands and rules are made of ids; what could be read as something else is refused."""
    await fabric.ensure_network(NETWORK)
    await fabric.ensure_group(GROUP_SPEC)
    for attempt in (
        fabric.ensure_network(NetworkSpec(id, 3)),
        fabric.ensure_sandbox(id),
        fabric.ensure_port(replace(PORT_SPEC, id=id)),
        fabric.ensure_port(replace(PORT_SPEC, sandbox=id)),
        fabric.ensure_port(replace(PORT_SPEC, interface=id)),
        fabric.ensure_port(replace(PORT_SPEC, mac=id)),
        fabric.ensure_group(GroupSpec(id, ())),
        fabric.ensure_router(replace(ROUTER_SPEC, id=id)),
        fabric.ensure_names(replace(NAMES_SPEC, network_id=id)),
    ):
        with pytest.raises(Refused):
            await attempt
    sight = await fabric.sight()
    assert (sight.networks, sight.groups, sight.sandboxes) == (frozenset({NET}), frozenset({GROUP}), NONE)


@pytest.mark.parametrize("records", [(("a b", ip_address("10.0.0.9")),), (("x\n10.0.0.1 y", ip_address("10.0.0.9")),)])
async def test_a_host_name_that_is_none_is_refused(fabric: Fabric, records: tuple[tuple[str, object], ...]) -> None:
    await fabric.ensure_network(NETWORK)
    with pytest.raises(Refused):
        await fabric.ensure_names(replace(NAMES_SPEC, records=records))  # type: ignore[arg-type]  # a table of addresses
