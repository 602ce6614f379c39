"""Flows under way of a router, as the kernel tracks them: those of a floating IP are cut (conntrack(8))."""

from __future__ import annotations

from boxship.drivers.linux import programs


def cut(where: str, floating: str) -> None:
    """Forget all flows that came in by this address or went out under it. Their next packets are in no flow."""
    for option in ("--orig-dst", "--reply-dst"):
        programs.run(where, ["conntrack", "-D", option, floating], check=False)


def cut_ports(where: str, floating: str, protocol: str, ports: tuple[int, int]) -> None:
    """Forget the flows that came in by these ports of the address; by all ports of the protocol where it is a range: what
    still leads somewhere goes on with its next packet."""
    single = ["--orig-port-dst", str(ports[0])] if ports[0] == ports[1] else []
    programs.run(where, ["conntrack", "-D", "-p", protocol, "--orig-dst", floating, *single], check=False)
