"""The one link to the host: a device with the external subnets' gateways, NAT for them, and a filter before the host.
The host itself can be pinged from there and answers what it asked for; no more."""

from __future__ import annotations

from pathlib import Path

from boxship.core import errors
from boxship.drivers.linux import programs
from boxship.drivers.linux.interface import UplinkSpec
from boxship.drivers.linux.naming import Naming

_FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
_WAS_OFF = Path("/run/boxship/forwarding-was-off")
"""There while the host forwards because of us; of all installations on the host together."""


def table(naming: Naming, spec: UplinkSpec) -> str:
    """The installation's table in the host's namespace, replaced in one transaction."""
    name, device = f"inet {naming.host_table}", naming.uplink
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


def no_table(naming: Naming) -> str:
    """Undo ``table``; repeatable."""
    name = f"inet {naming.host_table}"
    return f"table {name} {{\n}}\ndelete table {name}\n"


def accepts(naming: Naming) -> list[list[str]]:
    """iptables rules (without the verb) that let the device's traffic through where Docker's FORWARD policy is DROP."""
    comment = ["-m", "comment", "--comment", naming.mark_comment, "-j", "ACCEPT"]
    return [["FORWARD", "-i", naming.uplink, *comment], ["FORWARD", "-o", naming.uplink, *comment]]


def open_forwarding(naming: Naming) -> None:
    """Let the host forward, remembering whether it did before; let the device through Docker's FORWARD chain."""
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


def _is_other_uplink(name: str, naming: Naming) -> bool:
    return name.startswith("bs") and name.endswith("-ext") and name != naming.uplink


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
    """How often each of the rules of ``accepts`` is in the chain, told by the device: nft does not show iptables' comments."""
    text = str(chain)
    incoming, outgoing = (
        f"{{'meta': {{'key': '{key}'}}}}, 'right': '{naming.uplink}'" for key in ("iifname", "oifname")
    )
    return text.count(incoming), text.count(outgoing)


def _iptables(verb: str, rule: list[str]) -> None:
    programs.run(programs.HOST, ["iptables", "-w", verb, *rule])
