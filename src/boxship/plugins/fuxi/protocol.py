"""The bodies of the calls, as Docker's volume plugins write and read them (https://docs.docker.com/engine/extend/plugins_volume/)."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, field

Name = Annotated[str, Meta(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9_.-]*\Z", max_length=200)]
"""The name of a volume, as Docker takes it."""
Id = Annotated[str, Meta(max_length=128)]
"""Whose use a mount is: Docker makes one up per mount of a container, and keeps it across its own restarts."""
Word = Annotated[str, Meta(max_length=4096)]


class Activation(msgspec.Struct, frozen=True):
    """Which protocols the plugin speaks."""

    implements: tuple[str, ...] = field(name="Implements", default=("VolumeDriver",))


class Scope(msgspec.Struct, frozen=True):
    """``global``: a volume is the same one on every host whose plugin has the same cloud."""

    scope: str = field(name="Scope", default="global")


class Capabilities(msgspec.Struct, frozen=True):
    """What the driver is."""

    capabilities: Scope = field(name="Capabilities", default=Scope())
    err: str = field(name="Err", default="")


class Create(msgspec.Struct, frozen=True):
    """``docker volume create``; options are what was said with ``-o``."""

    name: Name = field(name="Name")
    options: dict[str, Word] | None = field(name="Opts", default=None)


class Named(msgspec.Struct, frozen=True):
    """A call about one volume."""

    name: Name = field(name="Name")


class Use(msgspec.Struct, frozen=True):
    """A mount of a container begins or ends."""

    name: Name = field(name="Name")
    id: Id = field(name="ID", default="")


class Done(msgspec.Struct, frozen=True):
    """It worked."""

    err: str = field(name="Err", default="")


class Mounted(msgspec.Struct, frozen=True):
    """Where the volume is on this host; empty: it is not mounted."""

    mountpoint: str = field(name="Mountpoint")
    err: str = field(name="Err", default="")


class Volume(msgspec.Struct, frozen=True, omit_defaults=True):
    """What Docker shows of a volume; ``Status`` in ``docker volume inspect``. Docker refuses an empty ``CreatedAt``."""

    name: str = field(name="Name")
    mountpoint: str = field(name="Mountpoint", default="")
    created_at: str = field(name="CreatedAt", default="")
    status: dict[str, object] = field(name="Status", default_factory=dict)


class Found(msgspec.Struct, frozen=True):
    """One volume."""

    volume: Volume = field(name="Volume")
    err: str = field(name="Err", default="")


class Listed(msgspec.Struct, frozen=True):
    """All volumes."""

    volumes: tuple[Volume, ...] = field(name="Volumes")
    err: str = field(name="Err", default="")
