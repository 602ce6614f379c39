"""Access rules: whom a share is exported to. Writes wishes; the share's reconciler makes them real."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

import msgspec

from boxship.core import clock
from boxship.core import errors as core_errors
from boxship.core.auth.caller import Caller
from boxship.core.db.database import Transaction
from boxship.core.http import filters
from boxship.core.http.call import Query, new_id
from boxship.services.share import errors
from boxship.services.share.model import Rule, Share
from boxship.services.share.operations import shares
from boxship.services.share.states import State
from boxship.services.share.store import rules as store

IP = "ip"
LEVELS = ("rw", "ro")
_KNOWN = ("ip", "user", "cert", "cephx")
_MOST = 1000
"""Rules of a share."""


class RuleWish(msgspec.Struct, frozen=True, kw_only=True):
    """A new access rule."""

    access_type: str
    access_to: str
    access_level: str = "rw"
    metadata: dict[str, str] = {}


async def allow(transaction: Transaction, caller: Caller, id: str, wish: RuleWish, *, ipv6: bool = True) -> Rule:
    """Open a share to an address or a network. ``ipv6``: of version 6, too.

    ShareNotFound; BadRequest: no such address, another type than ip, an unknown level, the state of the share; RuleExists.
    """
    share = await shares.own_share(transaction, caller, id)
    address = _address(wish, ipv6=ipv6)
    if wish.access_level not in LEVELS:
        raise core_errors.BadRequest(
            f"Invalid share access level: {wish.access_level[:32]}.", field="allow_access.access_level"
        )
    _require_there(share, "added")
    present = (await store.of(transaction, [id])).get(id, [])
    if any(_network(rule.access_to) == _network(address) for rule in present):
        raise errors.RuleExists(wish.access_type, wish.access_to)
    if len(present) >= _MOST:
        raise core_errors.BadRequest(
            f"the share has {_MOST} rules, which is the most it may have", field="allow_access"
        )
    rule = Rule(new_id(), id, wish.access_type, address, wish.access_level, clock.now())
    await store.insert(transaction, rule)
    await store.put_metadata(transaction, rule.id, wish.metadata)
    await shares.change(transaction, share, declared=share.declared)
    return rule


def _address(wish: RuleWish, *, ipv6: bool) -> str:
    """The address as it was written, checked."""
    if wish.access_type not in _KNOWN:
        raise core_errors.BadRequest(
            "Only 'ip', 'user', 'cert' or 'cephx' access types are supported.", field="allow_access.access_type"
        )
    if wish.access_type != IP:
        raise core_errors.BadRequest("Only 'ip' access type is allowed for NFS.", field="allow_access.access_type")
    network = _network(wish.access_to)
    if network is None or (network.version == 6 and not ipv6):
        raise core_errors.BadRequest(
            f"Invalid ip address or network: {wish.access_to[:64]}", field="allow_access.access_to"
        )
    return wish.access_to


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    """What an address or network names. None: nothing, or it has a zone (``%eth0``), which may be any text and means nothing to
    another host."""
    try:
        return None if "%" in text else ipaddress.ip_network(text)
    except ValueError:
        return None


def _require_there(share: Share, done: str) -> None:
    if share.status not in {State.AVAILABLE, State.EXTENDING, State.SHRINKING} and not share.status.endswith("_error"):
        raise errors.InvalidShare(
            f"Access rules cannot be {done} while the share does not have an 'available' status; it is {share.status}."
        )


async def deny(transaction: Transaction, caller: Caller, id: str, rule_id: str) -> None:
    """Close a share to whom a rule opened it; repeatable until the rule is gone. RuleNotFound: not one of this share."""
    share = await shares.own_share(transaction, caller, id)
    rule = await store.get(transaction, rule_id)
    if rule is None or rule.share_id != id:
        raise errors.RuleNotFound(rule_id)
    await store.update(transaction, [rule.id], deleting=True, fault=None)
    await shares.change(transaction, share, declared=share.declared)


async def get_rule(transaction: Transaction, caller: Caller, rule_id: str) -> Rule:
    """The rule. RuleNotFound: there is none, or its share is not one of the caller's."""
    rule = await store.get(transaction, rule_id)
    if rule is None:
        raise errors.RuleNotFound(rule_id)
    await _require_own(transaction, caller, rule)
    return rule


async def _require_own(transaction: Transaction, caller: Caller, rule: Rule) -> None:
    try:
        share = await shares.get_share(transaction, caller, rule.share_id)
    except errors.ShareNotFound as error:
        raise errors.RuleNotFound(rule.id) from error
    if not caller.sees(share.project_id):
        raise errors.RuleNotFound(rule.id)


async def list_rules(transaction: Transaction, caller: Caller, share_id: str, query: Query) -> list[Rule]:
    """The rules of a share, oldest first. ShareNotFound; Forbidden: it is public, but another project's."""
    share = await shares.get_share(transaction, caller, share_id)
    if not caller.sees(share.project_id):
        raise core_errors.Forbidden(f"Share {share_id} is another project's.")
    found = (await store.of(transaction, [share_id])).get(share_id, [])
    wanted = filters.pairs(query, "metadata")
    if not wanted:
        return found
    metadata = await store.metadata_of(transaction, [rule.id for rule in found])
    return [rule for rule in found if wanted.items() <= metadata.get(rule.id, {}).items()]


async def metadata_of(transaction: Transaction, rules: Sequence[Rule]) -> dict[str, dict[str, str]]:
    """The metadata of several rules by id."""
    return await store.metadata_of(transaction, [rule.id for rule in rules])


async def set_metadata(transaction: Transaction, caller: Caller, rule_id: str, pairs: dict[str, str]) -> dict[str, str]:
    """Add pairs to the metadata of a rule; what it is afterwards."""
    rule = await get_rule(transaction, caller, rule_id)
    await store.put_metadata(transaction, rule.id, pairs)
    return (await store.metadata_of(transaction, [rule.id])).get(rule.id, {})


async def delete_metadata(transaction: Transaction, caller: Caller, rule_id: str, key: str) -> None:
    """Remove one pair. MetadataNotFound."""
    rule = await get_rule(transaction, caller, rule_id)
    if not await store.drop_metadata(transaction, rule.id, key):
        raise errors.MetadataNotFound
