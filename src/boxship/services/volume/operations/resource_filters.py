"""What lists of this service may be filtered by, and in which way, as Cinder's ``resource_filters`` are by default.

Names that a list does not know are left alone, as clients send words of their own; since 3.31 Cinder refuses them, and so
is done here for lists of volumes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from boxship.core import errors
from boxship.core.http.call import Query

RESOURCES: Mapping[str, tuple[str, ...]] = {
    "volume": (
        "name",
        "status",
        "metadata",
        "bootable",
        "migration_status",
        "availability_zone",
        "group_id",
        "size",
        "created_at",
        "updated_at",
        "consumes_quota",
    ),
    "backup": ("name", "status", "volume_id"),
    "snapshot": ("name", "status", "volume_id", "metadata"),
    "attachment": ("volume_id", "status", "instance_id", "attach_status"),
    "message": ("resource_uuid", "resource_type", "event_id", "request_id", "message_level"),
    "pool": ("name", "volume_type"),
    "volume_type": ("is_public", "extra_specs"),
}
"""What GET /resource_filters tells."""

_WORDS = frozenset(
    {"limit", "offset", "marker", "sort", "sort_key", "sort_dir", "all_tenants", "with_count", "page_reverse"}
)
"""What belongs to every list."""


def require_known(query: Query, known: Iterable[str]) -> None:
    """BadRequest: the query filters by something that the list does not know."""
    wanted = {name.removesuffix("~") for name, _ in query.pairs} - _WORDS - set(known)
    if wanted:
        raise errors.BadRequest(f"the list is not filtered by {', '.join(sorted(wanted))[:200]}", field="query")
