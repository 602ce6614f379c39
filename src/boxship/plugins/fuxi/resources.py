"""What is read of Cinder's and Manila's resources (Block Storage API v3, Shared File Systems API v2)."""

from __future__ import annotations

import msgspec
from msgspec import field


class Attached(msgspec.Struct, frozen=True):
    """An attachment as a volume shows it: ``server_id`` is whose it is, empty for one that is a host's own."""

    attachment_id: str = ""
    host_name: str = ""
    server_id: str = ""


class Volume(msgspec.Struct, frozen=True):
    """A volume; ``size`` in GiB."""

    id: str
    status: str
    size: int
    name: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
    attachments: tuple[Attached, ...] = ()
    multiattach: bool = False
    created_at: str = ""
    volume_type: str = ""
    availability_zone: str = ""

    @property
    def is_read_only(self) -> bool:
        """Whether the cloud gives it for reading only (os-update_readonly_flag)."""
        return self.metadata.get("readonly", "").lower() == "true"


class Attachment(msgspec.Struct, frozen=True):
    """An attachment; ``connection_info`` is empty until there is a connection."""

    id: str
    status: str = ""
    connection_info: dict[str, object] = field(default_factory=dict)


class Share(msgspec.Struct, frozen=True):
    """A share; ``size`` in GiB."""

    id: str
    status: str
    size: int
    name: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
    share_proto: str = ""
    created_at: str = ""
    share_type_name: str = ""
    availability_zone: str = ""
    host: str = ""


class Snapshot(msgspec.Struct, frozen=True):
    """A snapshot of a share."""

    id: str
    size: int


class Rule(msgspec.Struct, frozen=True):
    """An access rule of a share."""

    id: str
    access_type: str
    access_to: str
    access_level: str = "rw"
    state: str = ""
    metadata: dict[str, str] = field(default_factory=dict)


class Location(msgspec.Struct, frozen=True):
    """An export location of a share."""

    path: str
    id: str = ""
    preferred: bool = False


class Message(msgspec.Struct, frozen=True):
    """Why something failed, for users."""

    user_message: str = ""
    created_at: str = ""
