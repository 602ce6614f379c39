"""Access rules and export locations on the wire."""

from __future__ import annotations

from typing import Any

from boxship.core import clock
from boxship.services.share import versions
from boxship.services.share.model import Rule, Share
from boxship.services.share.operations.locations import Location
from boxship.services.share.schemas.shares import ShareCall
from boxship.services.share.states import RuleState, rule_shown


def rule(call: ShareCall, found: Rule, metadata: dict[str, str], *, listed: bool = False) -> dict[str, Any]:
    """An access rule; lists leave the share out."""
    answer: dict[str, Any] = {
        "id": found.id,
        "access_type": found.access_type,
        "access_to": found.access_to,
        "access_level": found.access_level,
        "state": _state(call, found),
    }
    if not listed:
        answer["share_id"] = found.share_id
    if call.version >= versions.ACCESS_KEY:
        answer["access_key"] = None
    if call.version >= versions.RULE_TIMES:
        answer["created_at"] = clock.stamp_micro(found.created_at)
        answer["updated_at"] = clock.stamp_micro(found.updated_at)
    if call.version >= versions.RULE_METADATA:
        answer["metadata"] = metadata
    return answer


def _state(call: ShareCall, found: Rule) -> str:
    """Before 2.28 there was one word for all that is on its way."""
    state = rule_shown(found)
    if call.version < versions.RULE_STATES and state in {RuleState.APPLYING, RuleState.DENYING}:
        return "new"
    return state


def location(call: ShareCall, share: Share, found: Location, *, whole: bool = False) -> dict[str, Any]:
    """An export location."""
    answer: dict[str, Any] = {"id": found.id, "path": found.path}
    if call.version >= versions.PREFERRED:
        answer["preferred"] = found.preferred
    if call.caller.is_admin:
        answer |= {"share_instance_id": share.id, "is_admin_only": False}
    if whole:
        answer |= {
            "created_at": clock.stamp_micro(share.created_at),
            "updated_at": clock.stamp_micro(share.updated_at),
        }
    return answer
