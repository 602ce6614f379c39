"""Quotas on the wire (Networking API v2.0, "Quotas")."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from boxship.services.network.schemas.fields import Digits, Id, Request, whole

MOST = (1 << 31) - 1
Limit = Annotated[int, Meta(ge=-1, le=MOST)] | Digits


class QuotaUpdate(Request, frozen=True, kw_only=True):
    """Limits to be set; -1 is any number. ``force`` sets one below what the project has; ``check_limit`` is what is done
    without it, and the project is the path's, whatever is said here."""

    network: Limit | UnsetType = UNSET
    subnet: Limit | UnsetType = UNSET
    subnetpool: Limit | UnsetType = UNSET
    port: Limit | UnsetType = UNSET
    router: Limit | UnsetType = UNSET
    floatingip: Limit | UnsetType = UNSET
    security_group: Limit | UnsetType = UNSET
    security_group_rule: Limit | UnsetType = UNSET
    rbac_policy: Limit | UnsetType = UNSET
    force: bool | None = None
    check_limit: bool | None = None

    def limits(self) -> dict[str, int]:
        """The limits that were given, as numbers. InvalidInput: out of bounds."""
        flags = {"force", "check_limit"}
        given = {name: getattr(self, name) for name in self.__struct_fields__ if name not in flags}
        return {name: _number(value, name) for name, value in given.items() if not isinstance(value, UnsetType)}


def _number(value: int | str, name: str) -> int:
    number = whole(value, name, -1, MOST)
    assert number is not None
    return number


class QuotaUpdateBody(Request, frozen=True, kw_only=True):
    quota: QuotaUpdate


class Detail(msgspec.Struct, frozen=True):
    """A limit with what is used of it; nothing is ever reserved, as what is made is counted in its transaction."""

    limit: int
    used: int
    reserved: int = 0


def shown(limits: dict[str, int], project_id: Id) -> dict[str, object]:
    """The answer for a project's quota."""
    return {**limits, "project_id": project_id, "tenant_id": project_id}
