"""Changes of nftables' sets, chains and rules as netlink messages, many in one transaction. Knows the format, not the meaning.

``nft`` reads the list of all chains, and all ranges of a set that it adds to, before each change; so its cost grows with
what is there. The kernel itself needs none of that: a change of a port costs the same among ten and ten thousand. Tables
and their fixed chains, made once, stay nft text. Names and numbers are those of linux/netfilter/nf_tables.h.
"""

from __future__ import annotations

import struct
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from boxship.drivers.linux import namespace, netlink
from boxship.drivers.linux.netlink import attribute

_NETFILTER = 12
_BEGIN, _END, _NFTABLES = 0x10, 0x11, 10
_DELETE_FLOWS = 1 << 8 | 2
_MARK, _MARK_MASK = 8, 21
_NEW_CHAIN, _DELETE_CHAIN, _NEW_RULE, _DELETE_RULE = 3, 5, 6, 8
_NEW_SET, _DELETE_SET, _NEW_ELEMENTS, _DELETE_ELEMENTS = 9, 11, 12, 14
_FAMILIES = {"inet": 1, "bridge": 7}
_TABLE = "boxship"
_NESTED, _APPEND = 0x8000, 0x800
_AT_ONCE = 500
"""Elements in one message: an attribute holds 64 KiB."""

_JUMP, _ACCEPT, _DROP = -3, 1, 0
_REGISTER, _VERDICT = 1, 0
_OVER = 1
_EQUAL, _NOT, _AT_LEAST, _AT_MOST = 0, 1, 5, 3
_INVALID_OR_UNTRACKED = struct.pack("=I", 1 | 64)


@dataclass(frozen=True, slots=True)
class Element:
    """An element of a set or map; ``target`` is family and name (``inet sends``).

    ``end`` is the last key of a range, ``value`` what a map holds for the key, ``chain`` the chain that a verdict map
    jumps to.
    """

    target: str
    key: bytes
    end: bytes = b""
    value: bytes = b""
    chain: str = ""


class Batch:
    """Changes to be made together: all or none, in the same instant for every packet."""

    def __init__(self) -> None:
        self._messages: list[tuple[int, int, str, bytes]] = []

    def add(self, elements: Iterable[Element]) -> None:
        """Put elements into their sets. Refused: a map has another value for one of them."""
        self._elements(_NEW_ELEMENTS, netlink.CREATE, elements)

    def delete(self, elements: Iterable[Element]) -> None:
        """Take elements out of their sets. Absent: one is not there."""
        self._elements(_DELETE_ELEMENTS, 0, elements)

    def _elements(self, kind: int, flags: int, elements: Iterable[Element]) -> None:
        by_target: dict[str, list[bytes]] = {}
        for element in elements:
            by_target.setdefault(element.target, []).append(_element(element, bare=kind == _DELETE_ELEMENTS))
        for target, packed in by_target.items():
            family, name = target.split()
            for at in range(0, len(packed), _AT_ONCE):
                body = attribute(1, _TABLE) + attribute(2, name)
                body += _nested(3, b"".join(_nested(1, one) for one in packed[at : at + _AT_ONCE]))
                self._messages.append((kind, flags, family, body))

    def flush_set(self, name: str) -> None:
        """Empty a set of the inet table."""
        self._messages.append((_DELETE_ELEMENTS, 0, "inet", attribute(1, _TABLE) + attribute(2, name)))

    def add_address_set(self, name: str, family: int) -> None:
        """A set of addresses of IP version ``family``; one that is there stays as it is."""
        kind, length = (7, 4) if family == 4 else (8, 16)
        numbers = ((3, 0), (4, kind), (5, length), (10, 1 + len(self._messages)))
        body = attribute(1, _TABLE) + attribute(2, name) + b"".join(_number(at, number) for at, number in numbers)
        self._messages.append((_NEW_SET, netlink.CREATE, "inet", body))

    def delete_set(self, name: str) -> None:
        """Absent: it is not there. Busy: a rule reads it."""
        self._messages.append((_DELETE_SET, 0, "inet", attribute(1, _TABLE) + attribute(2, name)))

    def replace_chain(self, name: str, rules: Iterable[bytes]) -> None:
        """A chain of the inet table with exactly these rules (made by the functions below)."""
        self._messages.append((_NEW_CHAIN, netlink.CREATE, "inet", attribute(1, _TABLE) + attribute(3, name)))
        self.flush_chain(name)
        for rule in rules:
            body = attribute(1, _TABLE) + attribute(2, name) + _nested(4, rule)
            self._messages.append((_NEW_RULE, netlink.CREATE | _APPEND, "inet", body))

    def flush_chain(self, name: str) -> None:
        """Take all rules out of a chain. Absent: it is not there."""
        self._messages.append((_DELETE_RULE, 0, "inet", attribute(1, _TABLE) + attribute(2, name)))

    def delete_chain(self, name: str) -> None:
        """Absent: it is not there. Busy: a rule or an element jumps to it."""
        self._messages.append((_DELETE_CHAIN, 0, "inet", attribute(1, _TABLE) + attribute(3, name)))

    def __add__(self, other: Batch) -> Batch:
        """These changes, then the other's, in one transaction."""
        both = Batch()
        both._messages = self._messages + other._messages
        return both

    def messages(self) -> list[tuple[int, int, bytes]]:
        """The transaction as messages (kind, flags, body); the last but one, the last of the changes, asks to be acknowledged."""
        bounds = _head(0, _NFTABLES)
        changes = [
            (_NFTABLES << 8 | kind, flags, _head(_FAMILIES[family]) + body)
            for kind, flags, family, body in self._messages
        ]
        kind, flags, body = changes[-1]
        return [(_BEGIN, 0, bounds), *changes[:-1], (kind, flags | netlink.ACK, body), (_END, 0, bounds)]

    def __bool__(self) -> bool:
        return bool(self._messages)


class Tables:
    """The tables of a namespace, by a socket that stays open: closing one makes the kernel wait until everything that was
    removed is really freed, some 15 ms (nft_rcv_nl_event in nf_tables_api.c)."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._lock = threading.Lock()
        self._kernel: netlink.Netlink | None = None
        self._opened: tuple[int, int] | None = None

    def change(self, batch: Batch) -> None:
        """Make the changes.

        Absent: one names what is not there. Busy: one would remove what is in use, or the kernel has no room. Refused:
        anything else.
        """
        if batch:
            with self._lock:
                self._socket().transact(batch.messages())

    def forget_flows(self, mark: int, mask: int) -> None:
        """Forget the tracked flows whose mark is this one within the mask; in one pass over all flows, milliseconds for a
        hundred thousand (ctnetlink, linux/netfilter/nfnetlink_conntrack.h)."""
        marks = attribute(_MARK, struct.pack("!I", mark)) + attribute(_MARK_MASK, struct.pack("!I", mask))
        with self._lock:
            self._socket().ask(_DELETE_FLOWS, _head(0) + marks)

    def _socket(self) -> netlink.Netlink:
        """The socket, opened again if the namespace is another one by now."""
        there = namespace.identity(self._where)
        if self._kernel is None or self._opened != there:
            self._close()
            self._kernel, self._opened = netlink.Netlink(self._where, _NETFILTER), there
        return self._kernel

    def close(self) -> None:
        """Let go of the namespace, which the socket keeps alive."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._kernel is not None:
            self._kernel.__exit__(None, None, None)
        self._kernel = None


def _head(family: int, resource: int = 0) -> bytes:
    return struct.pack("!BBH", family, 0, resource)


def _nested(kind: int, body: bytes) -> bytes:
    return attribute(kind | _NESTED, body)


def _number(kind: int, number: int) -> bytes:
    """Numbers in attributes of nf_tables are big-endian."""
    return attribute(kind, struct.pack("!i", number))


def _element(element: Element, *, bare: bool) -> bytes:
    """``bare``: without what a map holds for it."""
    body = _nested(1, attribute(1, element.key))
    if element.end:
        body += _nested(10, attribute(1, element.end))
    if bare:
        return body
    if element.value:
        body += _nested(2, attribute(1, element.value))
    if element.chain:
        body += _nested(2, _nested(2, _number(1, _JUMP) + attribute(2, element.chain)))
    return body


# Rules are their expressions one after the other; each of the following functions gives one or a few of them.


def accept() -> bytes:
    return _verdict(_number(1, _ACCEPT))


def drop() -> bytes:
    return _verdict(_number(1, _DROP))


def jump(chain: str) -> bytes:
    return _verdict(_number(1, _JUMP) + attribute(2, chain))


def flows_over(number: int) -> bytes:
    """``ct count over``: more flows than this number have come by this rule, and are still there."""
    return _expression("connlimit", _number(1, number) + _number(2, _OVER))


def family_is(version: int) -> bytes:
    """Of this IP version."""
    return _expression("meta", _number(1, _REGISTER) + _number(2, 15)) + _compare(
        _EQUAL, bytes([2 if version == 4 else 10])
    )


def protocol_is(number: int) -> bytes:
    """The packet's own protocol, behind all extension headers."""
    return _expression("meta", _number(1, _REGISTER) + _number(2, 16)) + _compare(_EQUAL, bytes([number]))


def flow(key: int) -> bytes:
    """Load something of the first packet of the flow (``ct original``): one of the numbers below."""
    return _expression("ct", _number(1, _REGISTER) + _number(2, key) + attribute(3, b"\0"))


def in_no_flow() -> bytes:
    """``ct state invalid,untracked``."""
    state = _expression("ct", _number(1, _REGISTER) + _number(2, 0))
    return state + _masked(_INVALID_OR_UNTRACKED) + _compare(_NOT, bytes(4))


FLOW_PROTOCOL, FLOW_TARGET_PORT = 10, 12
FLOW_SOURCE = {4: 19, 6: 21}
FLOW_TARGET = {4: 20, 6: 22}


def network_header(offset: int, length: int) -> bytes:
    """Load bytes of the packet's IP header."""
    return _payload(1, offset, length)


def transport_header(offset: int, length: int) -> bytes:
    """Load bytes of what follows the IP headers."""
    return _payload(2, offset, length)


def equals(value: bytes, mask: bytes = b"") -> bytes:
    """What was loaded, of which only the bits of the mask count."""
    return (_masked(mask) if mask else b"") + _compare(_EQUAL, value)


def _masked(mask: bytes) -> bytes:
    numbers = _number(1, _REGISTER) + _number(2, _REGISTER) + _number(3, len(mask))
    masks = _nested(4, attribute(1, mask)) + _nested(5, attribute(1, bytes(len(mask))))
    return _expression("bitwise", numbers + masks)


def between(least: bytes, most: bytes) -> bytes:
    return _compare(_AT_LEAST, least) + _compare(_AT_MOST, most)


def is_in(name: str) -> bytes:
    """What was loaded is in the set."""
    return _expression("lookup", attribute(1, name) + _number(2, _REGISTER))


def _expression(name: str, data: bytes) -> bytes:
    return _nested(1, attribute(1, name) + _nested(2, data))


def _compare(how: int, value: bytes) -> bytes:
    return _expression("cmp", _number(1, _REGISTER) + _number(2, how) + _nested(3, attribute(1, value)))


def _payload(base: int, offset: int, length: int) -> bytes:
    numbers: Sequence[int] = (_REGISTER, base, offset, length)
    return _expression("payload", b"".join(_number(at, number) for at, number in enumerate(numbers, 1)))


def _verdict(verdict: bytes) -> bytes:
    return _expression("immediate", _number(1, _VERDICT) + _nested(2, _nested(2, verdict)))
