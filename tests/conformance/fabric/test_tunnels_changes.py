"""Tunnels that change: stations come, go and move, programs and hosts start again, and what cannot be is refused."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

import pytest

from boxship.core import errors
from boxship.drivers.linux import naming, netlink, programs
from boxship.drivers.linux.interface import Neighbour
from tests.conformance.fabric.hosts import DEVICE, Host, Site
from tests.conformance.fabric.world import EVERYTHING, eventually, mac


def reaches(one: Host, sandbox: str, two: Host, other: str, address: str) -> bool:
    with two.listening(other, address, 80):
        return one.connects(sandbox, address, 80)


async def test_a_station_that_moves_is_found_at_its_new_host(trio: Site) -> None:
    one, two, three = trio.hosts
    group, network = await trio.groups(*EVERYTHING), await trio.network()
    _, second = await trio.pair(network, group)
    assert reaches(one, "a", two, "b", "10.0.0.12")
    await two.fabric.remove_port(second.id)
    await three.fabric.ensure_port(second)
    trio.place(three, network, second.mac)
    await trio.join(network)
    assert reaches(one, "a", three, "b", "10.0.0.12")
    assert [line for line in one.forwarding() if two.address in line] == []


async def test_a_station_that_comes_to_this_host_is_reached_before_the_tunnel_is_told(site: Site) -> None:
    one, two = site.hosts
    network = await site.network()
    _, second = await site.pair(network, await site.groups(*EVERYTHING))
    await two.fabric.remove_port(second.id)
    await one.fabric.ensure_port(second)
    one.output("b", "ping", "-c", "1", "-W", "5", "10.0.0.11")
    assert reaches(one, "a", one, "b", "10.0.0.12")
    site.place(one, network, second.mac)
    await site.join(network)
    assert reaches(one, "a", one, "b", "10.0.0.12")
    assert [line for line in one.forwarding() if second.mac in line or "dst" in line] == []


async def test_entries_that_the_spec_does_not_name_are_gone_after_a_restart(site: Site) -> None:
    one, two = site.hosts
    network = await site.network()
    _, second = await site.pair(network, await site.groups(*EVERYTHING))
    spec = site.tunnel(one, network)
    gone = Neighbour(mac(), ip_address("198.18.7.9"))
    await one.fabric.ensure_tunnel(replace(spec, peers=(*spec.peers, gone.host), neighbours=(*spec.neighbours, gone)))
    assert [line for line in one.forwarding() if "198.18.7.9" in line]
    one.restarted()
    await one.fabric.open()
    await one.fabric.ensure_tunnel(spec)
    assert [line for line in one.forwarding() if "198.18.7.9" in line or gone.mac in line] == []
    assert "198.18.7.9" not in one.said("nft", "list", "ruleset")
    assert reaches(one, "a", two, "b", "10.0.0.12")
    assert (await one.fabric.sight()).tunnels == {network.id}
    assert [line for line in one.forwarding() if second.mac in line]


async def test_a_host_that_starts_again_is_joined_again(site: Site) -> None:
    one, two = site.hosts
    network, group = await site.network(), await site.groups(*EVERYTHING)
    _, second = await site.pair(network, group)
    await two.fabric.destroy()
    assert two.left() == []
    await two.fabric.open()
    await two.fabric.ensure_network(network)
    await two.fabric.ensure_group(group)
    await two.fabric.ensure_port(second)
    assert not reaches(one, "a", two, "b", "10.0.0.12")
    await two.fabric.ensure_tunnel(site.tunnel(two, network))
    eventually(lambda: reaches(one, "a", two, "b", "10.0.0.12"), "who asked in vain for its MAC asks again")


async def test_a_host_that_changes_its_tunnel_address_is_reached_there(site: Site) -> None:
    one, two = site.hosts
    network = await site.network()
    await site.pair(network, await site.groups(*EVERYTHING))
    new = ip_address("198.18.7.42")
    programs.ip(two.name, [f"address add {new}/24 dev {DEVICE}"])
    await two.fabric.ensure_tunnel(replace(site.tunnel(two, network), local=new))
    spec = site.tunnel(one, network)
    moved = tuple(replace(neighbour, host=new) for neighbour in spec.neighbours)
    await one.fabric.ensure_tunnel(replace(spec, peers=(new,), neighbours=moved))
    programs.ip(two.name, [f"address delete {two.address}/24 dev {DEVICE}", f"address replace {new}/24 dev {DEVICE}"])
    assert reaches(one, "a", two, "b", "10.0.0.12")
    for host in site.hosts:
        assert two.address not in host.said("nft", "list", "ruleset")


async def test_a_tunnel_that_is_removed_leaves_nothing(site: Site) -> None:
    one, two = site.hosts
    kept, gone = await site.network(), await site.network()
    await site.pair(kept, await site.groups(*EVERYTHING))
    await site.join(gone)
    await one.fabric.remove_tunnel(gone.id)
    await one.fabric.remove_tunnel(gone.id)
    assert (await one.fabric.sight()).tunnels == {kept.id}
    assert reaches(one, "a", two, "b", "10.0.0.12")
    await one.fabric.remove_network(kept.id)
    assert (await one.fabric.sight()).tunnels == frozenset()
    assert "_tunnels" not in one.said("nft", "list", "tables")
    assert " vx-" not in one.links()


async def test_one_more_neighbour_among_many_is_one_message(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    one = site.hosts[0]
    network = await site.network()
    peer = ip_address(site.hosts[1].address)
    many = tuple(Neighbour(f"fa:16:3e:00:{n >> 8:02x}:{n & 255:02x}", peer) for n in range(1000))
    spec = replace(site.tunnel(one, network), peers=(peer,), neighbours=many)
    await one.fabric.ensure_tunnel(spec)
    assert len([line for line in one.forwarding() if f"dst {peer}" in line]) == 1001
    changes: list[int] = []
    ask = netlink.Netlink.ask

    def counted(self: netlink.Netlink, kind: int, body: bytes, flags: int = 0) -> bytes:
        changes.extend([kind] if kind in {28, 29} else [])
        return ask(self, kind, body, flags)

    monkeypatch.setattr(netlink.Netlink, "ask", counted)
    await one.fabric.ensure_tunnel(replace(spec, neighbours=(*many, Neighbour(mac(), peer))))
    assert changes == [28]


async def test_a_changed_size_of_the_network_is_the_tunnels(site: Site) -> None:
    one = site.hosts[0]
    network = await site.network(mtu=1450)
    await site.join(network)
    await one.fabric.ensure_network(replace(network, mtu=1400))
    await site.join(network)
    sizes = {link["ifname"]: link["mtu"] for link in programs.links(one.fabric._naming.fabric)}
    assert sizes[naming.tunnel(network.id)] == 1400


async def test_what_cannot_be_is_refused(site: Site) -> None:
    one, two = site.hosts
    network, other = await site.network(), await site.network()
    spec = site.tunnel(one, network)
    with pytest.raises(errors.Refused, match="not an address of this host"):
        await one.fabric.ensure_tunnel(replace(spec, local=ip_address(two.address)))
    with pytest.raises(errors.Absent, match="network"):
        await one.fabric.ensure_tunnel(replace(spec, network_id="e0000000-0000-4000-8000-0000000000a1"))
    programs.ip(one.name, [f"link add theirs type vxlan id {network.segment} local {one.address} dstport 4789"])
    with pytest.raises(errors.Refused, match="Another device"):
        await one.fabric.ensure_tunnel(spec)
    programs.ip(one.name, ["link delete theirs"])
    await one.fabric.ensure_tunnel(spec)
    with pytest.raises(errors.Busy, match=network.id):
        await one.fabric.ensure_tunnel(replace(spec, network_id=other.id))
    await one.fabric.ensure_tunnel(replace(spec, vni=4000))
    await one.fabric.ensure_tunnel(replace(spec, network_id=other.id))
    assert (await one.fabric.sight()).tunnels == {network.id, other.id}


async def test_a_device_that_somebody_took_away_is_made_again(site: Site) -> None:
    one, two = site.hosts
    network = await site.network()
    await site.pair(network, await site.groups(*EVERYTHING))
    programs.ip(one.fabric._naming.fabric, [f"link delete {naming.tunnel(network.id)}"])
    await site.join(network)
    assert reaches(one, "a", two, "b", "10.0.0.12")
