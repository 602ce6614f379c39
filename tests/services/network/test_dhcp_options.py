"""Extra DHCP options of ports: what is set, changed, removed and refused."""

from __future__ import annotations

import pytest

from tests.services.network.world import World


def _option(name: str, value: str | None, version: int | str = 4) -> dict[str, object]:
    return {"opt_name": name, "opt_value": value, "ip_version": version}


async def _port(world: World, *options: dict[str, object]) -> dict[str, object]:
    network_id, _ = await world.net()
    return await world.made("alice", "/ports", network_id=network_id, extra_dhcp_opts=list(options))


async def test_options_are_kept_and_shown(world: World) -> None:
    port = await _port(
        world, _option("bootfile-name", "pxelinux.0"), _option("mtu", None), _option("dns-server", "::1", "6")
    )
    wanted = [_option("bootfile-name", "pxelinux.0"), _option("dns-server", "::1", 6)]
    assert port["extra_dhcp_opts"] == wanted
    assert (await world.shown("alice", f"/ports/{port['id']}"))["extra_dhcp_opts"] == wanted


async def test_a_change_sets_removes_and_leaves_the_rest(world: World) -> None:
    port = await _port(
        world, _option("bootfile-name", "a"), _option("tftp-server", "10.0.0.9"), _option("150", "10.0.0.8")
    )
    change = [_option("bootfile-name", "b"), _option("tftp-server", None), _option("bootfile-name", "c", 6)]
    answer = await world.request("alice", "PUT", f"/ports/{port['id']}", {"port": {"extra_dhcp_opts": change}})
    assert answer.json()["port"]["extra_dhcp_opts"] == [
        _option("bootfile-name", "b"),
        _option("150", "10.0.0.8"),
        _option("bootfile-name", "c", 6),
    ]
    answer = await world.request("alice", "PUT", f"/ports/{port['id']}", {"port": {"extra_dhcp_opts": None}})
    assert len(answer.json()["port"]["extra_dhcp_opts"]) == 3


async def test_blank_means_something_for_two_options_only(world: World) -> None:
    port = await _port(world, _option("router", ""), _option("classless-static-route", ""))
    assert len(port["extra_dhcp_opts"]) == 2  # type: ignore[arg-type]  # a list
    body = {"port": {"extra_dhcp_opts": [_option("mtu", " ")]}}
    sentence = await world.refused("alice", f"PUT /ports/{port['id']}", body, (400, "InvalidInput"))
    assert "mtu" in sentence


@pytest.mark.parametrize(
    "bad",
    [
        _option("a\nlog-facility", "x"),
        _option("", "x"),
        _option("x" * 65, "x"),
        _option("mtu", "1\n2"),
        _option("mtu", "1\x7f2"),
        _option("mtu", "1\u20282"),
        _option("mtu", "1\x852"),
        _option("mtu", "x" * 256),
        _option("mtu", "1", 5),
        {"opt_name": "mtu"},
        {"opt_name": "mtu", "opt_value": "1", "else": 1},
    ],
    ids=repr,
)
async def test_what_cannot_be_an_option_is_refused(world: World, bad: dict[str, object]) -> None:
    network_id, _ = await world.net()
    body = {"port": {"network_id": network_id, "extra_dhcp_opts": [bad]}}
    answer = await world.request("alice", "POST", "/ports", body)
    assert answer.status_code == 400, answer.text
    assert "extra_dhcp_opts" in answer.text


async def test_a_port_does_not_gather_options_without_end(world: World) -> None:
    port = await _port(world, *(_option(str(number), "x") for number in range(64)))
    body = {"port": {"extra_dhcp_opts": [_option("one-more", "x")]}}
    await world.refused("alice", f"PUT /ports/{port['id']}", body, (400, "InvalidInput"))


async def test_the_name_service_of_a_wired_port_follows(world: World) -> None:
    port = await _port(world)
    await world.bind(str(port["id"]))
    await world.settle()
    world.wakes.clear()
    body = {"port": {"extra_dhcp_opts": [_option("mtu", "1400")]}}
    assert (await world.request("alice", "PUT", f"/ports/{port['id']}", body)).status_code == 200
    assert ("names", port["network_id"]) in world.wakes
