"""Flows under way of a router, as the kernel tracks them: those of a floating IP are cut (conntrack(8))."""

from __future__ import annotations

from boxship.drivers.linux import programs


def cut(where: str, floating: str) -> None:
    """Forget all flows that came in by this address or went out under it. Their next packets are in no flow."""
    for option in ("--orig-dst", "--reply-dst"):
        programs.run(where, ["conntrack", "-D", option, floating], check=False)
