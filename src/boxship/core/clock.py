"""The time, in one place, so that tests can move it. Wall clock only for what users see; waiting uses the loop's clock."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """This moment in UTC."""
    return datetime.now(UTC)


def stamp(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC to the second with ``Z``, as Keystone, Glance and Neutron write it."""
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def stamp_plain(moment: datetime | None) -> str | None:
    """Date and time in UTC to the second, a space between and no zone, as Zun writes it; Gophercloud reads nothing else."""
    return None if moment is None else moment.strftime("%Y-%m-%d %H:%M:%S")


def stamp_micro(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC with microseconds and without a zone, as Cinder writes it."""
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%S.%f")
