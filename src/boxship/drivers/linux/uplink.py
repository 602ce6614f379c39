"""The links to the host: for each external network a device with its subnets' gateways, NAT for them, and a filter before the
host. The host itself can be pinged from there and answers what it asked for; no more."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

from boxship.core import errors
from boxship.drivers.linux import cabling, link, naming, programs
from boxship.drivers.linux.interface import UplinkSpec
from boxship.drivers.linux.legs import Legs
from boxship.drivers.linux.naming import Naming

_FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
_WAS_OFF = Path("/run/boxship/forwarding-was-off")
"""There while the host forwards because of us; of all installations on the host together."""


class Uplinks:
    """The uplinks of one installation, each with a table of its own, so that one is never without rules while another changes."""

    def __init__(self, names: Naming, legs: Legs) -> None:
        self._naming = names
        self._legs = legs
        self._known: dict[str, UplinkSpec] = {}

    def ensure(self, spec: UplinkSpec) -> None:
        """Join the network to the host; rules first. Refused: the host has one of its ranges already."""
        device, fabric = self._naming.uplink(spec.network_id), self._naming.fabric
        mtu = self._legs.sizes([spec.network_id])[spec.network_id]
        bridge = naming.bridge(spec.network_id)
        with link.Links(fabric) as links:
            inside, master = links.find(f"{device}-in"), links.need(bridge)
        if inside and inside.master == master.index and self._known.get(spec.network_id) == spec:
            return
        present = cabling.present(programs.HOST)
        cabling.check_free(spec, present, device)
        programs.nft(programs.HOST, table(self._naming, spec))
        if device not in present:
            programs.ip(programs.HOST, cabling.uplink(device, fabric, self._naming.alias("uplink", spec.network_id)))
        programs.ip(fabric, cabling.uplink_inside(bridge, device, mtu))
        programs.ip(programs.HOST, [f"link set {device} mtu {mtu}"])
        programs.ip(programs.HOST, cabling.addressed({device: list(spec.addresses)}, present))
        with link.Links(programs.HOST) as host, link.Links(fabric) as links:
            host.settle(device)
            links.settle(f"{device}-in")
        open_forwarding(self._naming)
        self._known[spec.network_id] = spec

    def remove(self, network_id: str) -> None:
        """Take the device and its rules away; with the last one the host forwards as before. Repeatable."""
        self._known.pop(network_id, None)
        device = self._naming.uplink(network_id)
        with link.Links(programs.HOST) as host:
            there = host.find(device)
            if there is None:
                return
            host.delete(device)
        programs.nft(programs.HOST, no_table(self._naming, network_id))
        if not self.seen():
            close_forwarding(self._naming)

    def remove_all(self) -> None:
        """Take all of them away, with what a kill has left half made. Repeatable."""
        for network_id in self.seen():
            self.remove(network_id)
        close_forwarding(self._naming)
        for name in _tables(self._naming):
            with contextlib.suppress(errors.Absent):
                programs.nft(programs.HOST, f"delete table inet {name}\n")
        self._known.clear()

    def seen(self) -> frozenset[str]:
        """The networks that have one."""
        aliases = [link.get("ifalias", "") for link in programs.links(programs.HOST)]
        return frozenset(id for alias in aliases if (id := self._naming.aliased(alias, "uplink")))


def _tables(naming: Naming) -> list[str]:
    """The tables of uplinks in the host's namespace."""
    listed = programs.nft_list(programs.HOST, "tables", "inet").get("nftables", [])
    names = [entry["table"]["name"] for entry in listed if "table" in entry]
    return [name for name in names if name.startswith(naming.uplink_tables)]


def table(naming: Naming, spec: UplinkSpec) -> str:
    """The uplink's table in the host's namespace, replaced in one transaction."""
    name, device = f"inet {naming.uplink_table(spec.network_id)}", naming.uplink(spec.network_id)
    ranges = [address.network for address in spec.addresses]
    masquerades = "".join(
        f'    ip{"" if network.version == 4 else "6"} saddr {network} oifname != "{device}" masquerade\n'
        for network in ranges
    )
    forged = "".join(
        f'    iifname "{device}" {family} saddr != {{ {inside} }} drop\n'
        for family, version in (("ip", 4), ("ip6", 6))
        if (inside := ", ".join(str(network) for network in ranges if network.version == version))
    )
    return (
        f"table {name} {{\n}}\ndelete table {name}\ntable {name} {{\n"
        "  chain forward {\n    type filter hook forward priority filter; policy accept;\n"
        f"{forged}  }}\n"
        "  chain postrouting {\n    type nat hook postrouting priority srcnat; policy accept;\n"
        f"{masquerades}  }}\n"
        "  chain input {\n    type filter hook input priority filter; policy accept;\n"
        f'    iifname "{device}" ct state established,related accept\n'
        f'    iifname "{device}" icmp type echo-request accept\n'
        f'    iifname "{device}" icmpv6 type {{ echo-request, nd-neighbor-solicit, nd-neighbor-advert }} accept\n'
        f'    iifname "{device}" drop\n  }}\n}}\n'
    )


def no_table(naming: Naming, network_id: str) -> str:
    """Undo ``table``; repeatable."""
    name = f"inet {naming.uplink_table(network_id)}"
    return f"table {name} {{\n}}\ndelete table {name}\n"


def accepts(naming: Naming) -> list[list[str]]:
    """iptables rules (without the verb) that let the devices' traffic through where Docker's FORWARD policy is DROP."""
    comment = ["-m", "comment", "--comment", naming.mark_comment, "-j", "ACCEPT"]
    return [["FORWARD", way, f"{naming.uplinks}+", *comment] for way in ("-i", "-o")]


def open_forwarding(naming: Naming) -> None:
    """Let the host forward, remembering whether it did before; let the devices through Docker's FORWARD chain."""
    if _FORWARDING.read_text().strip() == "0":
        _WAS_OFF.parent.mkdir(parents=True, exist_ok=True)
        _WAS_OFF.touch()
        _FORWARDING.write_text("1")
    chain = _forward_chain()
    if not any(entry.get("chain", {}).get("policy") == "drop" for entry in chain):
        return
    for rule, present in zip(accepts(naming), _present(naming, chain), strict=True):
        if not present:
            _iptables("-I", rule)


def close_forwarding(naming: Naming) -> None:
    """Undo ``open_forwarding``; forwarding stays on while another installation has an uplink."""
    for rule, present in zip(accepts(naming), _present(naming, _forward_chain()), strict=True):
        for _ in range(present):
            _iptables("-D", rule)
    others = [link for link in programs.links(programs.HOST) if _is_other_uplink(link["ifname"], naming)]
    if others or not _WAS_OFF.is_file():
        return
    if not _docker_forwards():
        _FORWARDING.write_text("0")
    _WAS_OFF.unlink()


_UPLINK = re.compile(r"bs[0-9a-f]{4}-[0-9a-f]{5}")


def _is_other_uplink(name: str, naming: Naming) -> bool:
    return bool(_UPLINK.fullmatch(name)) and not name.startswith(naming.uplinks)


def _docker_forwards() -> bool:
    """Docker needs forwarding as long as it has its bridge."""
    return any(link["ifname"] == "docker0" for link in programs.links(programs.HOST))


def _forward_chain() -> list[dict[str, dict[str, str]]]:
    """iptables' FORWARD chain, where the host has one (looking with iptables itself would make one)."""
    try:
        listed: list[dict[str, dict[str, str]]] = programs.nft_list(programs.HOST, "chain", "ip", "filter", "FORWARD")[
            "nftables"
        ]
    except errors.Absent:
        return []
    return listed


def _present(naming: Naming, chain: list[dict[str, dict[str, str]]]) -> tuple[int, int]:
    """How often each of the rules of ``accepts`` is in the chain, told by the devices: nft does not show iptables' comments."""
    text = str(chain)
    incoming, outgoing = (
        f"{{'meta': {{'key': '{key}'}}}}, 'right': '{naming.uplinks}*'" for key in ("iifname", "oifname")
    )
    return text.count(incoming), text.count(outgoing)


def _iptables(verb: str, rule: list[str]) -> None:
    programs.run(programs.HOST, ["iptables", "-w", verb, *rule])
