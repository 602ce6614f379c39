"""One network on several hosts: who reaches whom through the tunnels, and what passes the wire between."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.conformance.fabric.hosts import Site
from tests.conformance.fabric.world import EVERYTHING


@pytest_asyncio.fixture
async def site() -> AsyncIterator[Site]:
    made = Site(2)
    await made.open()
    try:
        yield made
    finally:
        await made.remove()


async def test_ports_of_a_network_reach_each_other_across_hosts(site: Site) -> None:
    one, two = site.hosts
    network = await site.network()
    for host, sandbox, number in ((one, "a", 11), (two, "b", 12)):
        group = await host.group(*EVERYTHING)
        await site.port(host, network, sandbox, f"10.0.0.{number}/24", f"fd00::{number}/64", groups=(group,))
    await site.join(network)
    for address in ("10.0.0.12", "fd00::12"):
        with two.listening("b", address, 80):
            assert one.connects("a", address, 80)
        assert " 0% packet loss" in one.output("a", "ping", "-c", "2", "-i", "0.05", "-W", "5", address)
