"""Flows under way, as the kernel tracks them (conntrack(8)): read per zone, cut one by one."""

from __future__ import annotations

import re
from ipaddress import ip_address

from boxship.drivers.linux import programs
from boxship.drivers.linux.flows import Flow

_PROTOCOLS = {"tcp": 6, "udp": 17, "icmp": 1, "icmpv6": 58, "sctp": 132, "udplite": 136, "dccp": 33, "gre": 47}


def flows(where: str, zone: int) -> list[Flow]:
    """The flows of a zone, as their first packet had them."""
    found: list[Flow] = []
    for family in ("ipv4", "ipv6"):
        listed = programs.run(where, ["conntrack", "-L", "-f", family, "-w", str(zone)], check=False)
        found += [flow for line in listed.splitlines() if (flow := parse(line)) is not None]
    return found


def parse(line: str) -> Flow | None:
    """A line of ``conntrack -L``: protocol by name and number, then key=value pairs, the original direction first."""
    words = line.split()
    if len(words) < 3 or not words[1].isdigit():
        return None
    values: dict[str, str] = {}
    for name, value in re.findall(r"(\w+)=(\S+)", line):
        values.setdefault(name, value)
    if "src" not in values or "dst" not in values:
        return None
    return Flow(
        protocol=int(words[1]),
        source=ip_address(values["src"]),
        destination=ip_address(values["dst"]),
        source_port=int(values.get("sport", "0")),
        port=int(values.get("dport") or values.get("type") or "0"),
        code=int(values.get("code", "0")),
    )


def cut(where: str, zone: int, flow: Flow) -> None:
    """Forget the flow: what comes next of it is judged as new, and in the middle of a TCP connection dropped."""
    command = ["conntrack", "-D", "-w", str(zone), "-f", f"ipv{flow.source.version}", "-p", str(flow.protocol)]
    command += ["-s", str(flow.source), "-d", str(flow.destination)]
    if flow.protocol in {6, 17, 132, 136}:
        command += ["--sport", str(flow.source_port), "--dport", str(flow.port)]
    programs.run(where, command, check=False)


def cut_translated(where: str, address: str) -> None:
    """Forget all flows that were translated from or to this address."""
    for option in ("-s", "-d", "-r", "-q"):
        programs.run(where, ["conntrack", "-D", option, address], check=False)
