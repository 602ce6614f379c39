"""Flows under way of a router, as the kernel tracks them: those of a floating IP are cut (conntrack(8))."""

from __future__ import annotations

from boxship.drivers.linux import programs


def cut_translated(where: str, address: str) -> None:
    """Forget all flows from or to this address, translated or not. Those of TCP break, as their next packet is in no flow."""
    for option in ("-s", "-d", "-r", "-q"):
        programs.run(where, ["conntrack", "-D", option, address], check=False)
