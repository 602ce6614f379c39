"""What the plugin was told about itself, and the few things that it holds while calls are under way."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

import structlog

from boxship.core import errors
from boxship.plugins.cloud import Deadline

Network = IPv4Network | IPv6Network

log = structlog.get_logger("kuryr")

_FORGET = 60.0
"""Seconds after which Docker is taken to have died between the calls that make one network."""


@dataclass(frozen=True, slots=True)
class Host:
    """``name`` as in ``binding:host_id``; ``pools`` are the subnet pools (IPv4, IPv6) that ranges are cut from when nothing
    is said, ``ranges`` what takes their place; ``timeout`` is in seconds."""

    name: str
    scope: str = "local"
    pools: tuple[str, str] = ("kuryr", "kuryr6")
    ranges: tuple[Network, Network] = (ip_network("10.201.0.0/16"), ip_network("fd6b:7572:7972::/48"))
    lengths: tuple[int, int] = (24, 64)
    dhcp: bool = True
    timeout: float = 10.0


class Pending:
    """The ranges that were given to Docker and have no network yet: the link between the calls RequestPool and CreateNetwork,
    which share the range and nothing else. A hint: without it CreateNetwork finds the range's pool in Neutron."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._given: dict[Network, tuple[str, float]] = {}

    def reserve(self, cidr: Network, deadline: Deadline) -> None:
        """Wait until nobody else makes a network with this range. Conflict: it takes too long."""
        with self._changed:
            while self._held(cidr):
                try:
                    left = deadline.left()
                except errors.Unavailable as error:
                    raise errors.Conflict(f"Another network with the range {cidr} is being made; try again.") from error
                self._changed.wait(min(left, 0.2))
            self._given[cidr] = ("", time.monotonic())

    def try_reserve(self, cidr: Network) -> bool:
        """The same without waiting."""
        with self._changed:
            if self._held(cidr):
                return False
            self._given[cidr] = ("", time.monotonic())
            return True

    def _held(self, cidr: Network) -> bool:
        return cidr in self._given and time.monotonic() - self._given[cidr][1] < _FORGET

    def give(self, cidr: Network, pool_id: str) -> None:
        """Say what the range is called."""
        with self._changed:
            self._given[cidr] = (pool_id, time.monotonic())

    def find(self, cidr: Network) -> str:
        """What the range is called; empty: it is not known."""
        with self._changed:
            return self._given.get(cidr, ("", 0.0))[0]

    def forget(self, cidr: Network) -> None:
        """The network is made, or never will be."""
        with self._changed:
            self._given.pop(cidr, None)
            self._changed.notify_all()

    def held(self) -> list[Network]:
        """All ranges that are under way."""
        with self._changed:
            return [cidr for cidr in self._given if self._held(cidr)]
