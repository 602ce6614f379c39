"""The cable between hosts within this host: a bridge in a namespace of its own, with one end here, for the tests."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass

from tests.system.hosts.machine import Machine
from tests.system.installation import free_range

DEVICE = "eth0"


@dataclass(slots=True)
class Underlay:
    """``tag`` names its namespace and device here; ``start`` is the first three numbers of its addresses."""

    tag: str
    start: str

    @property
    def here(self) -> str:
        """The address of this host on it."""
        return f"{self.start}.254"

    def address(self, number: int) -> str:
        return f"{self.start}.{number}"

    def lay(self) -> None:
        _ip("netns", "add", self._name)
        _ip("-n", self._name, "link", "add", "br0", "type", "bridge", "stp_state", "0", "forward_delay", "0")
        _ip("-n", self._name, "link", "set", "br0", "up")
        _ip("link", "add", self._name, "type", "veth", "peer", "name", "here", "netns", self._name)
        _ip("-n", self._name, "link", "set", "here", "master", "br0", "up")
        _ip("address", "add", f"{self.here}/24", "dev", self._name)
        _ip("link", "set", self._name, "up")

    def plug(self, machine: Machine, number: int) -> None:
        """Give the machine a device with the address of this number, instead of what it had before a power failure."""
        port = f"port{number}"
        subprocess.run(["ip", "-n", self._name, "link", "delete", port], check=False, capture_output=True)
        _ip("-n", self._name, "link", "add", port, "type", "veth", "peer", "name", DEVICE, "netns", str(machine.pid))
        _ip("-n", self._name, "link", "set", port, "master", "br0", "up")
        machine.run("ip", "address", "add", f"{self.address(number)}/24", "dev", DEVICE)
        machine.run("ip", "link", "set", DEVICE, "up")

    def cut(self, number: int) -> None:
        """Take the cable of a machine out, at the bridge."""
        _ip("-n", self._name, "link", "set", f"port{number}", "down")

    def mend(self, number: int) -> None:
        """Put it in again."""
        _ip("-n", self._name, "link", "set", f"port{number}", "master", "br0", "up")

    def remove(self) -> None:
        subprocess.run(["ip", "link", "delete", self._name], check=False, capture_output=True)
        subprocess.run(["ip", "netns", "delete", self._name], check=False, capture_output=True)

    @property
    def _name(self) -> str:
        return f"bxh{self.tag}"


def lay(tag: str) -> Underlay:
    """A new one, of addresses that this host has no route to."""
    made = Underlay(tag, free_range().removesuffix(".0/24"))
    made.lay()
    return made


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)
