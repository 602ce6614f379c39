"""What of an installation is still on this host: looked for everywhere, by its mark."""

from __future__ import annotations

import subprocess
from pathlib import Path


def leftovers(mark: str, run: Path) -> list[str]:
    """Namespaces, links, nft tables, iptables rules, mounts, processes and files that carry the mark."""
    found = [f"namespace {path.name}" for path in Path("/run/netns").glob(f"boxship-{mark}-*")]
    shown = {
        "link": _said("ip", "-details", "link", "show"),
        "nft": _said("nft", "list", "ruleset"),
        "mount": Path("/proc/self/mountinfo").read_text(),
    }
    words = (f"bs{mark}-ext", f"boxship:{mark}", f"boxship_{mark}", f"boxship-{mark}")
    for what, text in shown.items():
        found += [f"{what}: {line.strip()}" for line in text.splitlines() if any(word in line for word in words)]
    found += [f"process {pid}" for pid in _processes(str(run))]
    found += [f"file {path}" for path in (run, *run.rglob("*")) if path.exists()]
    return found


def _said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _processes(word: str) -> list[str]:
    """The dnsmasq processes that have the word in an argument."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue  # it has ended
        if words[0].endswith(b"dnsmasq") and any(word.encode() in argument for argument in words):
            found.append(process.name)
    return found
