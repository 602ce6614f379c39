"""The filters of ports in the kernel: put, replaced and taken away, each in one transaction that costs what it changes.

Works out the difference between what is there and what is to be; what it means is ``filter``'s business. While the cable of
a port is on its bridge, its filters are known and replaced by the exact difference. Where a kill has left them unknown, the
cable must be gone first: then what may be there is taken away bit by bit.
"""

from __future__ import annotations

import contextlib
import threading
import zlib
from collections.abc import Iterable

import msgspec

from boxship.core import errors
from boxship.drivers.linux import filter as texts
from boxship.drivers.linux import nfnetlink, rules
from boxship.drivers.linux.interface import PortSpec
from boxship.drivers.linux.nfnetlink import Batch, Element, Tables
from boxship.drivers.linux.records import Filter, Record, Records


class Guards:
    """The filters of one installation's ports."""

    def __init__(self, tables: Tables, records: Records) -> None:
        self._tables = tables
        self._records = records
        # Who is the last to need a chain is asked and acted on in one go.
        self._lock = threading.Lock()
        # The shared chains that are in the kernel, by their policies.
        self._chains: dict[str, str] = {}

    def replace(self, spec: PortSpec, record: Record, *, stateless: bool) -> Record:
        """Put the filters of the spec in the place of those that are there; the ``record`` of what the port is to be, with
        the filters in it, is begun.

        Absent: a group is not there, or somebody took away what was there before.
        """
        number = self._records.number(spec.id, texts.NUMBERS)
        with self._lock:
            if self.unknown(spec.id):
                self._take_away(spec.id)
            before = self._records.get(spec.id).filters
            old, wanted = before[0] if before else Filter(), Filter()
            if spec.guarded:
                chain = self._shared(texts.policy(spec.groups, stateless=stateless))
                mark = texts.mark(number, chain)
                wanted = Filter(texts.elements(spec, mark, record.bridge, stateless=stateless), chain)
            record = msgspec.structs.replace(record, number=number, filters=(wanted,))
            self._records.begin(spec.id, record)
            try:
                self._exchange(number, old, wanted, self._chain(spec, wanted.chain, stateless=stateless))
            except (errors.Absent, errors.Refused):
                self._remember(spec.id, before)
                raise
            self._remember(spec.id, (wanted,))
            self._drop_chain(old.chain)
        return record

    def _shared(self, policy: str) -> str:
        """The name of the shared chain of a policy. Refused: there are too many."""
        if policy in self._chains:
            return self._chains[policy]
        taken = {texts.policy_of(chain)[0] for chain in self._chains.values()}
        first = zlib.crc32(policy.encode())
        for number in range(first, first + texts.POLICIES + 1):
            if number & texts.POLICIES not in taken:
                return texts.shared(number & texts.POLICIES, policy)
        raise errors.Refused(
            f"The ports of this host have more than {texts.POLICIES} different sets of security groups."
        )

    def _remember(self, id: str, filters: tuple[Filter, ...]) -> None:
        """What is in the filters now."""
        self._records.remember(id, msgspec.structs.replace(self._records.get(id), filters=filters))

    def _exchange(self, number: int, old: Filter, wanted: Filter, chain: Batch) -> None:
        kept, there = set(wanted.elements), set(old.elements)
        change = Batch()
        if kept and not there:
            change.replace_chain(texts.counter(number), [nfnetlink.flows_over(texts.FLOWS) + nfnetlink.drop()])
        change.delete(element for element in old.elements if element not in kept and self._is_own(element))
        change.add(element for element in wanted.elements if element not in there)
        if there and not kept:
            _remove_chains(change, [texts.counter(number)])
        is_new = bool(wanted.chain) and wanted.chain not in self._chains.values()
        self._tables.change(chain + change if is_new else change)
        if is_new:
            self._chains[texts.policy_of(wanted.chain)[1]] = wanted.chain

    def _chain(self, spec: PortSpec, name: str, *, stateless: bool) -> Batch:
        """The shared chain: it asks one group after the other, and drops what none lets through."""
        batch = Batch()
        if name:
            for direction in ("in", "out"):
                jumps = [
                    nfnetlink.jump(rules.chain(id, direction, stateful=not stateless)) for id in sorted(spec.groups)
                ]
                batch.replace_chain(f"{name}_{direction}", [*jumps, nfnetlink.drop()])
            batch.add(texts.ways(name))
        return batch

    def _is_own(self, element: Element) -> bool:
        """Whether it goes with the port: no other one holds it, too."""
        return not texts.is_common(element) or self._records.holders(element) == 1

    def remove(self, id: str) -> None:
        """Take away all filters of a port whose cable is gone, and the flows that it began: until they time out, no port that has
        its address later could begin them anew. Repeatable."""
        with self._lock:
            record = self._records.get(id)
            try:
                if len(record.filters) != 1:
                    raise errors.Absent("It is not known what is there.")
                self._exchange(record.number, record.filters[0], Filter(), Batch())
            except errors.Absent:
                self._take_away(id)
            if record.number:
                self._tables.forget_flows(record.number, texts.NUMBERS)
            self._records.forget(id)
            for chain in {one.chain for one in record.filters}:
                self._drop_chain(chain)

    def _take_away(self, id: str) -> None:
        """Whatever of them is there. The port must be unplugged: what goes first may have kept it closed."""
        record = self._records.get(id)
        for element in dict.fromkeys(element for one in record.filters for element in one.elements):
            if self._is_own(element):
                batch = Batch()
                batch.delete([element])
                with contextlib.suppress(errors.Absent):
                    self._tables.change(batch)
        self._drop(texts.counter(record.number))
        self._remember(id, ())

    def _drop_chain(self, chain: str) -> None:
        """Remove a shared chain, unless a port has it still."""
        if chain and not self._records.holders(chain):
            self._chains.pop(texts.policy_of(chain)[1], None)
            batch = Batch()
            batch.delete(texts.ways(chain))
            _remove_chains(batch, [f"{chain}_in", f"{chain}_out"])
            self._try(batch)

    def _try(self, batch: Batch) -> None:
        """Remove what may be gone already, or be in use because it is in doubt what a port has."""
        with contextlib.suppress(errors.Absent, errors.Busy):
            self._tables.change(batch)

    def sweep(self, chains: Iterable[str]) -> None:
        """These chains are there: those of ports that no port has are removed."""
        counters = {texts.counter(self._records.get(id).number) for id in self._records.ids()}
        shared = {name.rpartition("_")[0] for name in chains if texts.is_shared(name)}
        self._chains = {texts.policy_of(chain)[1]: chain for chain in shared}
        for chain in shared:
            self._drop_chain(chain)
        for name in filter(texts.is_of_ports, chains):
            if not texts.is_shared(name) and name not in counters:
                self._drop(name)

    def _drop(self, chain: str) -> None:
        batch = Batch()
        _remove_chains(batch, [chain])
        self._try(batch)

    def unknown(self, id: str) -> bool:
        """Whether it is not known which filters the port has."""
        return len(self._records.get(id).filters) > 1


def _remove_chains(batch: Batch, chains: Iterable[str]) -> None:
    for chain in chains:
        batch.flush_chain(chain)
        batch.delete_chain(chain)
