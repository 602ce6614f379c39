"""Opening and closing security group rules takes effect within a second, in both directions, for new and for established
connections."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.system import outside
from tests.system.api import Session, port
from tests.system.installation import Installation
from tests.system.waiting import PATIENCE, until

pytestmark = [pytest.mark.system, pytest.mark.xdist_group("system"), pytest.mark.timeout(300)]

ECHO = "while true; do nc -ll -p 7000 -e cat; done"
TALK = "while true; do while true; do echo tick; sleep 0.1; done | nc -w 2 {address} {port}; sleep 0.2; done"
SECOND = 1.0


@dataclass(slots=True)
class Guarded:
    """A container behind a router, with a group of its own, and the world it talks to."""

    session: Session
    group: str
    container: dict[str, Any]
    floating: str
    world: outside.Outside


@pytest.fixture
def guarded(cloud: Installation) -> Iterator[Guarded]:
    session = cloud.session("guard")
    network = session.network("guard", "10.0.0.0/24")
    router = session.router("guard", network["subnet_id"])
    group = session.group("guard")
    with outside.beyond() as world:
        talk = TALK.format(address=world.address, port=outside.PORT)
        container = session.run(
            "guarded", f"({ECHO}) & {talk}", nets=[{"network": network["id"]}], security_groups=["guard"]
        )
        floating = session.floating_ip(port(container))
        yield Guarded(session, group, container, floating["floating_ip_address"], world)
        session.delete(container["uuid"])
    session.ask("DELETE", f"/network/v2.0/floatingips/{floating['id']}")
    leg = {"subnet_id": network["subnet_id"]}
    session.ask("PUT", f"/network/v2.0/routers/{router['id']}/remove_router_interface", leg)
    session.ask("DELETE", f"/network/v2.0/routers/{router['id']}")
    session.ask("DELETE", f"/network/v2.0/networks/{network['id']}")
    session.ask("DELETE", f"/network/v2.0/security-groups/{group}")


def within(condition: Callable[[], bool], what: str) -> None:
    """Wait a second (patience applied) from the acknowledgement on, and print how long it took."""
    started = time.monotonic()
    until(condition, what, SECOND, pause=0.02)
    print(f"{what}: after {time.monotonic() - started:.2f} s (patience {PATIENCE:g})")  # noqa: T201 (a measurement)


def test_inwards(guarded: Guarded) -> None:
    session, there = guarded.session, (guarded.floating, 7000)
    assert not outside.connects(*there), "nothing comes in without a rule"
    for _ in range(2):
        rule = session.rule(guarded.group, protocol="tcp", port_range_min=7000, port_range_max=7000)
        within(lambda: outside.connects(*there), "an opened port lets in")
        with socket.create_connection(there, timeout=5) as established:
            assert outside.echoes(established, seconds=5)
            session.ask("DELETE", f"/network/v2.0/security-group-rules/{rule}")
            within(lambda: not outside.connects(*there, seconds=0.2), "a closed port lets nobody in")
            within(lambda: not outside.echoes(established), "what was established is cut")


def test_outwards(guarded: Guarded) -> None:
    session = guarded.session
    heard = guarded.world.count
    _grows(heard, "what it says is heard outside")
    rules = session.ask("GET", f"/network/v2.0/security-group-rules?security_group_id={guarded.group}&direction=egress")
    for rule in rules["security_group_rules"]:
        session.ask("DELETE", f"/network/v2.0/security-group-rules/{rule['id']}")
    within(lambda: _silent(heard), "without rules nothing goes out, and what was established is cut")
    session.rule(guarded.group, direction="egress", ethertype="IPv4")
    # What was cut stays cut; the container is to try anew, and not to wait for its connection to time out.
    session.execute(guarded.container["uuid"], "killall nc")
    _grows(heard, "it is heard again")


def _grows(heard: Callable[[], int], what: str) -> None:
    before = heard()
    until(lambda: heard() > before + 3, what, 10)


def _silent(heard: Callable[[], int]) -> bool:
    """Whether three times as long as the container pauses between words nothing is heard."""
    before = heard()
    time.sleep(0.35)
    return heard() == before


def test_members_of_a_group_let_each_other_in(cloud: Installation) -> None:
    """A rule with a remote group follows the membership of ports."""
    session = cloud.session("guild")
    network = session.network("guild", "10.0.0.0/24")
    members, strangers = session.group("members"), session.group("strangers")
    session.rule(members, protocol="tcp", remote_group_id=members)
    nets = [{"network": network["id"]}]
    host = session.create("host", ECHO, nets=nets, security_groups=["members"])
    guest = session.create("guest", "while true; do sleep 1; done", nets=nets, security_groups=["strangers"])
    host, guest = session.running(host["uuid"]), session.running(guest["uuid"])
    target = next(iter(host["addresses"].values()))[0]["addr"]

    def admitted() -> bool:
        return "hi" in session.execute(guest["uuid"], f"echo hi | nc -w 1 {target} 7000")[1]

    assert not admitted()
    wish = {"port": {"security_groups": [members]}}
    session.ask("PUT", f"/network/v2.0/ports/{port(guest)}", wish)
    until(admitted, "a new member is let in", 5)
    session.ask("PUT", f"/network/v2.0/ports/{port(guest)}", {"port": {"security_groups": [strangers]}})
    until(lambda: not admitted(), "who left is not let in", 5)
    session.delete(host["uuid"], guest["uuid"])
    session.ask("DELETE", f"/network/v2.0/networks/{network['id']}")
