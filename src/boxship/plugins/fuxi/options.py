"""What a user says with ``-o``: read for a provider, or refused with the reason. Pure.

Names are Fuxi's. What a cloud of today has no place for is refused rather than ignored: who says it wants it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from boxship.core import errors

CINDER = "cinder"
MANILA = "manila"
PROVIDERS = (CINDER, MANILA)
FSTYPES = ("ext4", "xfs")

_PROVIDER = "volume_provider"
_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})
_UUID = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}")
_LARGEST = 1 << 20
"""GiB; more is a slip of the finger."""

_CINDER = {
    *("size", "fstype", "multiattach", "volume_id", "volume_type", "availability_zone", "snapshot_id", "source_volid"),
    *("description", "scheduler_hints"),
}
_MANILA = {
    *("size", "share_proto", "share_type", "share_id", "existing", "volume_id", "snapshot_id", "is_public"),
    *("availability_zone", "description", "share_network"),
}
_NOT_OFFERED = {
    "consistencygroup_id": "consistency groups are gone from Cinder, and groups are not offered.",
    "consistency_group_id": "consistency groups are gone from Manila, and share groups are not offered.",
    "source_replica": "replication is gone from Cinder's API.",
    "user_id": "a volume belongs to the user of the plugin.",
    "project_id": "a volume belongs to the project of the plugin.",
}


@dataclass(frozen=True, slots=True)
class Defaults:
    """What holds where a user says nothing; empty: the cloud decides."""

    provider: str = CINDER
    size: int = 1
    fstype: str = "ext4"
    volume_type: str = ""
    availability_zone: str = ""
    share_proto: str = "NFS"
    share_type: str = ""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a volume is to be. ``size`` in GiB, None: as large as what it is made of. ``existing``: the id of what is there
    already. ``values`` go to the API as they are; ``hints`` to its scheduler."""

    provider: str
    size: int | None
    existing: str = ""
    fstype: str = ""
    values: Mapping[str, object] = field(default_factory=dict)
    hints: Mapping[str, object] = field(default_factory=dict)
    said: frozenset[str] = frozenset()
    chosen: bool = False
    """Whether the user said the provider."""


def read(options: Mapping[str, str], defaults: Defaults) -> Wish:
    """The wish. BadRequest: an option is unknown, not offered, or makes no sense, with its name."""
    provider = options.get(_PROVIDER) or defaults.provider
    if provider not in PROVIDERS:
        raise _bad(_PROVIDER, f"{provider!r} is none; there are {' and '.join(PROVIDERS)}.")
    known = _CINDER if provider == CINDER else _MANILA
    for name in sorted(set(options) - {_PROVIDER} - known):
        raise _bad(name, _NOT_OFFERED.get(name) or _unknown(name, provider))
    said = {name: text.strip() for name, text in options.items() if name != _PROVIDER}
    wish = _cinder(said, defaults) if provider == CINDER else _manila(said, defaults)
    if wish.existing:
        for name in sorted(set(said) - {"volume_id", "share_id", "existing", "fstype", "share_proto"}):
            raise _bad(name, "it is said of a new volume, and this one exists already.")
    return replace(wish, chosen=_PROVIDER in options)


def _cinder(said: Mapping[str, str], defaults: Defaults) -> Wish:
    fstype = said.get("fstype") or defaults.fstype
    if fstype not in FSTYPES:
        raise _bad("fstype", f"{fstype!r} is not offered; there are {' and '.join(FSTYPES)}.")
    if "snapshot_id" in said and "source_volid" in said:
        raise _bad("source_volid", "a volume is made of a snapshot or of a volume, not of both.")
    values: dict[str, object] = {name: _id(said, name) for name in ("snapshot_id", "source_volid") if name in said}
    values |= {name: said[name] for name in ("volume_type", "availability_zone", "description") if said.get(name)}
    for name in ("volume_type", "availability_zone"):
        if getattr(defaults, name) and not set(values) & {name, "snapshot_id", "source_volid"}:
            values[name] = getattr(defaults, name)
    if "multiattach" in said:
        values["multiattach"] = _flag(said, "multiattach")
    has_source = bool({"snapshot_id", "source_volid"} & set(said))
    return Wish(
        CINDER,
        _size(said, None if has_source else defaults.size),
        existing=_id(said, "volume_id") if "volume_id" in said else "",
        fstype=fstype,
        values=values,
        hints=_hints(said.get("scheduler_hints", "")),
        said=frozenset(said),
    )


def _manila(said: Mapping[str, str], defaults: Defaults) -> Wish:
    proto = (said.get("share_proto") or defaults.share_proto).upper()
    if proto != "NFS":
        raise _bad("share_proto", f"{proto!r} is not offered; shares are mounted by NFS, or where they are.")
    names = [name for name in ("share_id", "existing", "volume_id") if name in said]
    if len(names) > 1:
        raise _bad(names[1], f"it says the same as {names[0]}; say one of them.")
    values: dict[str, object] = {"share_proto": proto}
    values |= {name: said[name] for name in ("share_type", "availability_zone", "description") if said.get(name)}
    if defaults.share_type and "share_type" not in values:
        values["share_type"] = defaults.share_type
    if "share_network" in said:
        values["share_network_id"] = _id(said, "share_network")
    if "snapshot_id" in said:
        values["snapshot_id"] = _id(said, "snapshot_id")
    if "is_public" in said:
        values["is_public"] = _flag(said, "is_public")
    return Wish(
        MANILA,
        _size(said, None if "snapshot_id" in said else defaults.size),
        existing=_id(said, names[0]) if names else "",
        values=values,
        said=frozenset(said),
    )


def _size(said: Mapping[str, str], default: int | None) -> int | None:
    text = said.get("size")
    if text is None:
        return default
    if not re.fullmatch(r"[0-9]{1,7}", text) or not 1 <= int(text) <= _LARGEST:
        raise _bad("size", f"{text!r} is no number of GiB from 1 to {_LARGEST}.")
    return int(text)


def _flag(said: Mapping[str, str], name: str) -> bool:
    text = said[name].lower()
    if text not in _TRUE | _FALSE:
        raise _bad(name, f"{said[name]!r} is neither true nor false.")
    return text in _TRUE


def _id(said: Mapping[str, str], name: str) -> str:
    text = said[name].lower()
    if not _UUID.fullmatch(text):
        raise _bad(name, f"{said[name]!r} is no id.")
    return text


def _hints(text: str) -> dict[str, object]:
    """Hints as JSON (``{"same_host": [...]}``), or as ``name=value`` with commas between."""
    if not text:
        return {}
    if text.startswith("{"):
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise _bad("scheduler_hints", "it is no JSON.") from error
        return dict(found)
    pairs = [part.partition("=") for part in text.split(",")]
    if not all(name and value for name, _, value in pairs):
        raise _bad("scheduler_hints", "say them as name=value,name=value, or as a JSON object.")
    return {name.strip(): value.strip() for name, _, value in pairs}


def _unknown(name: str, provider: str) -> str:
    other = MANILA if provider == CINDER else CINDER
    if name in (_MANILA if other == MANILA else _CINDER):
        return f"it is an option of the provider {other}; this volume is made with {provider}."
    return f"there is no such option; {provider} has {', '.join(sorted(_CINDER if provider == CINDER else _MANILA))}."


def _bad(name: str, reason: str) -> errors.BadRequest:
    return errors.BadRequest(f"The option {name} cannot be used: {reason}", field=name)
