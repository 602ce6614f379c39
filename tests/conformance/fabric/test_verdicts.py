"""Random security groups against random flows: the kernel's verdict is what the API means, for every rule set and flow.

Each example of ``hypothesis`` is a set of groups and ports and many flows between them, each of which is a case; the
usual round has about a thousand. ``BOXSHIP_CHAOS=long`` takes other ones each time, and ten times as many.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from boxship.drivers.linux.interface import AddressPair, GroupSpec, PortSpec, RuleSpec
from tests.conformance.fabric import packets, semantics
from tests.conformance.fabric.field import LONG, NAMES, Field, Sent, made
from tests.conformance.fabric.packets import SCTP, TCP, UDP
from tests.conformance.fabric.semantics import ANSWERS, ICMP, Packet

pytestmark = [pytest.mark.xdist_group("field"), pytest.mark.timeout(3000 if LONG else 300)]

ROUNDS = settings(
    max_examples=1500 if LONG else 120,
    derandomize=not LONG,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
FLOWS = 24
"""Flows in each example, at most."""
GROUPS = [f"f0000000-0000-4000-8000-00000000000{number}" for number in range(4)]
OF_PORTS = {TCP, UDP, SCTP}
WITHOUT_PORTS = [50, 112]
"""ESP and VRRP: tracking knows nothing of them but the addresses."""
PORTS = [1, 79, 80, 81, 443, 1023, 65535]
TYPES = {4: [8, 0, 3, 11, 13, 40], 6: [128, 129, 1, 3, 139, 144]}
RANGES = {
    4: ["0.0.0.0/0", "10.0.0.0/24", "10.0.0.11/32", "10.0.0.12/31", "10.0.1.0/25", "192.0.2.0/24", "10.0.0.60/32"],
    6: ["::/0", "fd00::/64", "fd00::11/128", "fd00::12/127", "fd01::/65", "2001:db8::/32", "fd00::50/128"],
}
VIRTUAL = "00:00:5e:00:01:07"
OWN = "own"
PAIRS = [
    (OWN, "10.0.0.50/32"),
    (VIRTUAL, "10.0.0.60/32"),
    (OWN, "10.0.1.0/24"),
    (VIRTUAL, "10.0.1.128/25"),
    (OWN, "fd00::50/128"),
    (VIRTUAL, "fd00::60/128"),
    (OWN, "fd01::/64"),
    (OWN, "fd01::/80"),
    (OWN, "0.0.0.0/0"),
]
OTHERS = {
    4: ["10.0.0.50", "10.0.0.60", "10.0.1.7", "10.0.1.200"],
    6: ["fd00::50", "fd00::60", "fd01::7", "fd01:0:0:0:9::7"],
}


@dataclass(frozen=True)
class Plan:
    """What a port is to be like: indices of its groups, pairs, guard."""

    groups: tuple[int, ...]
    pairs: tuple[tuple[str, str], ...]
    guarded: bool


@dataclass(frozen=True)
class Flow:
    """A first packet by names; addresses by number among those that the scene has, MAC by name."""

    sender: str
    receiver: str
    family: int
    protocol: int
    port: int
    code: int
    source: int
    target: int
    virtual: bool


@st.composite
def rules(draw: st.DrawFn) -> RuleSpec:
    family = draw(st.sampled_from([4, 6]))
    icmp = 1 if family == 4 else 58
    protocol = draw(st.sampled_from([None, None, TCP, UDP, icmp, icmp, SCTP, *WITHOUT_PORTS]))
    low = high = None
    if protocol in OF_PORTS and draw(st.booleans()):
        low, high = sorted(draw(st.tuples(*[st.sampled_from(PORTS)] * 2)))
    elif protocol == icmp and draw(st.booleans()):
        low, high = draw(st.sampled_from(TYPES[family])), draw(st.sampled_from([None, 0, 1]))
    remote = draw(st.sampled_from([None, None, *RANGES[family]]))
    return RuleSpec(
        direction=draw(st.sampled_from(["ingress", "egress"])),
        family=family,
        protocol=protocol,
        port_min=low,
        port_max=high,
        remote=ip_network(remote) if remote else None,
        remote_group=None if remote else draw(st.sampled_from([None, None, *GROUPS])),
    )


@st.composite
def plans(draw: st.DrawFn, stateful: tuple[bool, ...]) -> Plan:
    """The groups of a port are of one kind."""
    kind = draw(st.booleans())
    choice = [number for number, own in enumerate(stateful) if own == kind]
    return Plan(
        groups=tuple(draw(st.lists(st.sampled_from(choice), unique=True, min_size=1, max_size=3))) if choice else (),
        pairs=tuple(draw(st.lists(st.sampled_from(PAIRS), unique=True, max_size=3))),
        guarded=draw(st.sampled_from([True, True, True, True, False])),
    )


@st.composite
def flows(draw: st.DrawFn) -> Flow:
    sender, receiver = draw(st.sampled_from([(one, other) for one in NAMES for other in NAMES if one != other]))
    family = draw(st.sampled_from([4, 6]))
    icmp = 1 if family == 4 else 58
    protocol = draw(st.sampled_from([TCP, UDP, icmp, SCTP, *WITHOUT_PORTS]))
    return Flow(
        sender,
        receiver,
        family,
        protocol,
        port=draw(st.sampled_from(TYPES[family] if protocol == icmp else PORTS)),
        code=draw(st.sampled_from([0, 0, 1])) if protocol == icmp else 0,
        source=draw(st.sampled_from([0, 0, 0, 0, 0, 0, 1, 2, 3, 4])),
        target=draw(st.sampled_from([0, 0, 0, 0, 0, 0, 1, 2, 3, 4])),
        virtual=draw(st.sampled_from([False, False, True])),
    )


OUT = tuple(RuleSpec("egress", family) for family in (4, 6))
IN = tuple(RuleSpec("ingress", family) for family in (4, 6))
OPENINGS = st.sampled_from([(), OUT, IN, (*OUT, *IN), OUT[:1]])
"""What groups begin with, so that much is dropped by one side only and enough by none."""


@dataclass(frozen=True)
class Scene:
    """Rules of the groups, whether each is stateful, a plan for each port, and the flows."""

    rules: tuple[tuple[RuleSpec, ...], ...]
    stateful: tuple[bool, ...]
    plans: tuple[Plan, ...]
    flows: tuple[Flow, ...]


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    number = len(GROUPS)
    stateful = tuple(draw(st.tuples(*[st.sampled_from([True, True, False])] * number)))
    return Scene(
        rules=draw(
            st.tuples(
                *[st.tuples(OPENINGS, st.lists(rules(), max_size=6)).map(lambda own: (*own[0], *own[1]))] * number
            )
        ),
        stateful=stateful,
        plans=draw(st.tuples(*[plans(stateful)] * len(NAMES))),
        flows=tuple(draw(st.lists(flows(), min_size=FLOWS // 2, max_size=FLOWS))),
    )


@dataclass(frozen=True)
class Case:
    """A flow as a packet, with the ports it goes between."""

    sender: PortSpec
    receiver: PortSpec
    packet: Packet


class Stage:
    """A scene put on the field."""

    def __init__(self, field: Field, scene: Scene) -> None:
        self._field = field
        self.ports = tuple(_port(field.ports[name], plan) for name, plan in zip(NAMES, scene.plans, strict=True))
        self.groups: Mapping[str, GroupSpec] = {
            id: GroupSpec(id, own, semantics.members(self.ports, id), stateful)
            for id, own, stateful in zip(GROUPS, scene.rules, scene.stateful, strict=True)
        }

    def cases(self, flows: tuple[Flow, ...], counter: Iterator[int]) -> list[Case]:
        """Each flow of its own: by its source port (the identifier of ICMP), and where there is none, by being the only
        one between its addresses."""
        by_name = {port.sandbox: port for port in self.ports}
        found, taken = [], set()
        for flow in flows:
            sender, receiver = by_name[flow.sender], by_name[flow.receiver]
            packet = _packet(flow, sender, receiver, next(counter))
            ends = (flow.protocol, frozenset({packet.source, packet.target}))
            if packet.source == packet.target or (flow.protocol in WITHOUT_PORTS and ends in taken):
                continue
            taken.add(ends)
            found.append(Case(sender, receiver, packet))
        return found

    def verdicts(self, cases: list[Case]) -> list[tuple[Case, bool, bool]]:
        """Each case, whether it is to arrive, and whether it did."""
        wanted = [semantics.arrives(case.packet, case.sender, case.receiver, self.groups) for case in cases]
        return self._sent(cases, wanted, answers=False)

    def answers(self, cases: list[Case]) -> list[tuple[Case, bool, bool]]:
        """The same for the answers to packets that arrived."""
        asked = [case for case in cases if case.packet.protocol in {TCP, UDP} or case.packet.port in ANSWERS]
        back = [Case(case.receiver, case.sender, case.packet.answer(case.receiver.mac)) for case in asked]
        wanted = [semantics.answer_arrives(c.packet, c.receiver, c.sender, self.groups) for c in back]
        return self._sent(back, wanted, answers=True)

    def _sent(self, cases: list[Case], wanted: list[bool], *, answers: bool) -> list[tuple[Case, bool, bool]]:
        sent = []
        for case in cases:
            token = self._field.token()
            frame = packets.frame(case.packet, case.receiver.mac, token, answer=answers)
            sent.append(Sent(case.sender.sandbox, case.receiver.sandbox, frame, token))
        expected = frozenset(one.token for one, wish in zip(sent, wanted, strict=True) if wish)
        came = self._field.arrived(sent, expected)
        return [
            (case, wish, (one.receiver, one.token) in came) for case, wish, one in zip(cases, wanted, sent, strict=True)
        ]


def _port(port: PortSpec, plan: Plan) -> PortSpec:
    pairs = tuple(AddressPair(port.mac if mac == OWN else mac, ip_network(network)) for mac, network in plan.pairs)
    return replace(port, groups=tuple(GROUPS[n] for n in plan.groups), pairs=pairs, guarded=plan.guarded)


def _packet(flow: Flow, sender: PortSpec, receiver: PortSpec, number: int) -> Packet:
    source, target = _address(sender, flow.family, flow.source), _address(receiver, flow.family, flow.target)
    mac = VIRTUAL if flow.virtual and flow.source else sender.mac
    return Packet(flow.protocol, mac, ip_address(source), ip_address(target), number, flow.port, flow.code)


def _address(port: PortSpec, family: int, choice: int) -> str:
    own = next(str(interface.ip) for interface in port.addresses if interface.version == family)
    return [own, *OTHERS[family]][choice]


_TO_NOBODY = Plan((), (), guarded=True)
_SENDS_ONLY = Plan((0,), (), guarded=True)
UNASKED = Scene(
    rules=(OUT, (), (), ()),
    stateful=(True,) * 4,
    plans=(_TO_NOBODY, _SENDS_ONLY, _SENDS_ONLY),
    flows=tuple(
        Flow("b", "c", family, icmp, kind, 0, 0, 0, virtual=False) for family, icmp, kind in ((4, 1, 0), (6, 58, 129))
    ),
)
"""An answer that nobody asked for, to a port that may send and not get: tracking has no flow, so no direction, for it."""


def _counter() -> Iterator[int]:
    while True:
        yield from range(1100, 65000)


COUNTER = _counter()


@pytest.fixture(scope="module")
def field() -> Iterator[Field]:
    with made() as one:
        yield one


def test_the_kernel_means_what_the_api_says(field: Field) -> None:
    count = {"arrived": 0, "dropped": 0, "answered": 0, "not answered": 0}

    @ROUNDS
    @example(scene=UNASKED)
    @given(scene=scenes())
    def every(scene: Scene) -> None:
        stage = Stage(field, scene)
        field.become(stage.ports, stage.groups)
        seen = stage.verdicts(stage.cases(scene.flows, COUNTER))
        wrong = [(case.packet, wanted) for case, wanted, came in seen if wanted != came]
        assert not wrong, f"packets, and whether they were to arrive: {wrong}"
        back = stage.answers([case for case, _, came in seen if came])
        wrong = [(case.packet, wanted) for case, wanted, came in back if wanted != came]
        assert not wrong, f"answers, and whether they were to arrive: {wrong}"
        for kind, (yes, no) in ((seen, ("arrived", "dropped")), (back, ("answered", "not answered"))):
            count[yes] += sum(wanted for _, wanted, _ in kind)
            count[no] += sum(not wanted for _, wanted, _ in kind)

    every()
    print(f"{sum(count.values())} cases: {count}")  # noqa: T201 (what the round was worth)
    assert sum(count.values()) >= 500
    assert min(count.values()) >= 10, "each verdict was asked for"


def test_the_field_itself_lets_packets_through(field: Field) -> None:
    """So that the property shows something: with everything open, every kind arrives; with nothing, none."""
    kinds = [(family, protocol) for family in (4, 6) for protocol in (TCP, UDP, SCTP, *WITHOUT_PORTS)]
    kinds += [(4, 1), (6, 58)]
    flows = tuple(
        Flow("a", "b", family, protocol, port, 0, 0, 0, virtual=False)
        for family, protocol in kinds
        for port in (TYPES[family] if protocol in ICMP else [80])
    )
    for stateful in (True, False):
        for own in ((*OUT, *IN), ()):
            plan = Plan((0,), (), guarded=True)
            stage = Stage(field, Scene(((own), (), (), ()), (stateful,) * 4, (plan,) * 3, flows))
            field.become(stage.ports, stage.groups)
            seen = stage.verdicts(stage.cases(flows, COUNTER))
            assert len(seen) == len(flows)
            assert all(came == bool(own) for _, _, came in seen), [
                case.packet for case, _, came in seen if came != bool(own)
            ]
