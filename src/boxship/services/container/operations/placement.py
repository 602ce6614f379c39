"""On which host a container goes: the hosts that pass every filter, and of these the one with the most memory to promise.

What a host has left is counted from the rows of containers, in the transaction that makes one more, and nobody else
places anything meanwhile: many requests at once neither promise more than there is nor lose a place. Why a host does not
do is told in numbers of hosts, never by name or by what others use, as tenants read it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from boxship.config import Settings
from boxship.core import clock
from boxship.core.db.database import Transaction
from boxship.services.container import errors as container_errors
from boxship.services.container import model
from boxship.services.container.store import containers as containers_store
from boxship.services.container.store import hosts as store

LABEL = "label:"
"""Hints that begin like this name labels that the host's engine has to have (Zun's LabelFilter)."""
_ROUNDING = 1e-6
"""What a sum of many fractions of a CPU may be off by."""


@dataclass(frozen=True, slots=True)
class PlacementWish:
    """What a container needs of a host; ``memory`` MiB, ``cpu`` cores, ``disk`` GiB. 0: nothing (more) of it."""

    memory: int = 0
    cpu: float = 0
    disk: int = 0
    zone: str | None = None
    runtime: str | None = None
    host: str | None = None
    hints: Mapping[str, str] = field(default_factory=dict)
    disks: frozenset[str] = frozenset()
    """The hosts whose disks its volumes are on."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A host at this moment: what it is, what of it is promised, and how much may be."""

    host: model.Host
    share: model.Share
    settings: Settings
    now: datetime

    @property
    def memory(self) -> int:
        """MiB that may still be promised."""
        return int(self.host.memory * self.settings.ram_allocation_ratio) - self.share.memory

    @property
    def cpu(self) -> float:
        """Cores that may still be promised."""
        return self.host.cpus * self.settings.cpu_allocation_ratio - self.share.cpu

    @property
    def disk(self) -> int:
        """GiB that may still be promised."""
        return int(self.host.disk * self.settings.disk_allocation_ratio) - self.share.disk


@dataclass(frozen=True, slots=True)
class Filter:
    """``passes`` tells whether a host will do; ``reason`` what is said of those that do not."""

    passes: Callable[[Candidate, PlacementWish], bool]
    reason: Callable[[PlacementWish], str]


def disks(settings: Settings, hosts_of_volumes: Sequence[str]) -> frozenset[str]:
    """What the volumes of a container ask of its host. Where there is one host, everything is on it, whatever its name was."""
    return frozenset(filter(None, hosts_of_volumes)) if settings.shared else frozenset()


def _labels(wish: PlacementWish) -> dict[str, str]:
    return {name.removeprefix(LABEL): value for name, value in wish.hints.items() if name.startswith(LABEL)}


def _spelt(wish: PlacementWish) -> str:
    return ", ".join(f"{name}={value}" for name, value in _labels(wish).items())


FILTERS: tuple[Filter, ...] = (
    Filter(lambda at, wish: wish.host in {None, at.host.hostname}, lambda wish: f"is not {wish.host}"),
    Filter(lambda at, wish: wish.disks <= {at.host.hostname}, lambda _: "does not have the volumes on its disk"),
    Filter(lambda at, _: not at.host.disabled, lambda _: "takes no new containers (its service is disabled)"),
    Filter(
        lambda at, _: at.host.is_up(at.now, at.settings.host_down_after, at.settings.host_name), lambda _: "is down"
    ),
    Filter(lambda at, _: at.host.cpus > 0, lambda _: "has not told yet how large it is"),
    Filter(
        lambda at, wish: wish.zone in {None, at.host.zone}, lambda wish: f"is not in the availability zone {wish.zone}"
    ),
    Filter(
        lambda at, wish: wish.runtime is None or wish.runtime in at.host.runtimes,
        lambda wish: f"does not have the runtime {wish.runtime}",
    ),
    Filter(
        lambda at, wish: _labels(wish).items() <= at.host.labels.items(), lambda wish: f"is not labelled {_spelt(wish)}"
    ),
    Filter(
        lambda at, wish: wish.memory <= 0 or wish.memory <= at.memory,
        lambda wish: f"does not have {wish.memory} MiB of memory left",
    ),
    Filter(
        lambda at, wish: wish.cpu <= 0 or wish.cpu <= at.cpu + _ROUNDING,
        lambda wish: f"does not have {wish.cpu:g} CPUs left",
    ),
    Filter(
        lambda at, wish: wish.disk <= 0 or not at.host.disk_quota or wish.disk <= at.disk,
        lambda wish: f"does not have {wish.disk} GiB of disk left",
    ),
)
"""In this order; a host is said to lack the first thing that it lacks."""


async def choose(transaction: Transaction, settings: Settings, wish: PlacementWish) -> str:
    """The name of the host, which is promised what the container needs once its row is stored in this transaction.

    NoValidHost: none will do; the sentence says of how many hosts which filter said no.
    """
    await transaction.serialise("placement")
    known, shares = await store.everything(transaction), await containers_store.shares(transaction)
    now = clock.now()
    candidates = [Candidate(host, shares.get(host.hostname, model.Share()), settings, now) for host in known]
    return best(candidates, wish)


async def check_growth(transaction: Transaction, settings: Settings, host: str | None, more: PlacementWish) -> None:
    """NoValidHost: the host that a container is on has not left what it is to get in addition. ``more`` names amounts only;
    a service that is disabled or down does not matter to what is there already."""
    await transaction.serialise("placement")
    at = await store.named(transaction, host) if host else None
    if at is None:
        return
    share = (await containers_store.shares(transaction)).get(at.hostname, model.Share())
    candidate = Candidate(at, share, settings, clock.now())
    for filter in FILTERS[-3:]:
        if not filter.passes(candidate, more):
            raise container_errors.NoValidHost(f"the host of the container {filter.reason(more)}.")


def best(candidates: Sequence[Candidate], wish: PlacementWish) -> str:
    """The host of these that passes all filters and has the most memory left. NoValidHost."""
    refusals: Counter[str] = Counter()
    fitting: list[Candidate] = []
    for candidate in candidates:
        lacking = next((filter for filter in FILTERS if not filter.passes(candidate, wish)), None)
        if lacking is None:
            fitting.append(candidate)
        else:
            refusals[lacking.reason(wish)] += 1
    if not fitting:
        raise container_errors.NoValidHost(_told(refusals, len(candidates)))
    return max(fitting, key=lambda candidate: (candidate.memory, candidate.host.hostname)).host.hostname


def _told(refusals: Counter[str], hosts: int) -> str:
    if not hosts:
        return "no host is registered."
    if hosts == 1:
        return f"the only host {next(iter(refusals))}."
    return "; ".join(f"of {hosts} hosts, {many} {reason}" for reason, many in refusals.items()) + "."
