"""The tables of the volume service; columns stand in the order of the fields in ``model.py``."""

from __future__ import annotations

import sqlalchemy as sa

from boxship.core.db import types

volumes = sa.Table(
    "volumes",
    types.metadata,
    types.identifier(),
    types.reference("project_id", nullable=False),
    types.reference("user_id", nullable=False),
    sa.Column("size", sa.Integer, nullable=False),
    types.reference("type_id", "volume_types.id", nullable=False),
    sa.Column("availability_zone", sa.String(255), nullable=False),
    sa.Column("multiattach", sa.Boolean, nullable=False),
    sa.Column("created_at", types.Moment, nullable=False),
    sa.Column("name", sa.String(255)),
    sa.Column("description", sa.String(255)),
    sa.Column("deleting", sa.Boolean, nullable=False),
    sa.Column("attached", sa.Boolean, nullable=False),
    sa.Column("condemned", sa.Boolean, nullable=False),
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("observed", sa.Integer, nullable=False),
    sa.Column("made", sa.Boolean, nullable=False),
    sa.Column("path", sa.String(4096)),
    sa.Column("fault", sa.Text),
    sa.Column("status", sa.String(32), nullable=False),
    sa.Column("updated_at", types.Moment),
    sa.Column("host", sa.String(255), nullable=False),
    sa.Column("claim", sa.String(32), nullable=False, server_default=""),
    sa.Column("read_only", sa.Boolean),
    sa.Column("source_kind", sa.String(16), nullable=False, server_default=""),
    sa.Column("source_id", sa.String(64)),
    sa.Column("bootable", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("mounted", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("device", sa.String(4096)),
    sa.Column("made_size", sa.Integer, nullable=False, server_default="0"),
    sa.Column("revert_to", sa.String(64)),
    sa.Column("revert_asked", sa.Integer, nullable=False, server_default="0"),
    sa.Column("reverted", sa.Integer, nullable=False, server_default="0"),
    sa.Column("errand", sa.String(32), nullable=False, server_default=""),
    sa.Column("backend", sa.String(64), nullable=False, server_default="file"),
    sa.Index("ix_volumes_project_created", "project_id", "created_at", "id"),
    sa.Index("ix_volumes_project_name", "project_id", "name"),
    sa.Index("ix_volumes_created", "created_at", "id"),
    sa.Index("ix_volumes_type", "type_id"),
)
sa.Index(
    "ix_volumes_due",
    volumes.c.id,
    sqlite_where=volumes.c.observed != volumes.c.generation,
    postgresql_where=volumes.c.observed != volumes.c.generation,
)

metadata = sa.Table(
    "volume_metadata",
    types.metadata,
    sa.Column("volume_id", sa.String(64), sa.ForeignKey("volumes.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("key", sa.String(255), primary_key=True),
    sa.Column("value", sa.String(255), nullable=False),
)

snapshots = sa.Table(
    "volume_snapshots",
    types.metadata,
    types.identifier(),
    types.reference("volume_id", "volumes.id", nullable=False),
    types.reference("project_id", nullable=False),
    types.reference("user_id", nullable=False),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("created_at", types.Moment, nullable=False),
    sa.Column("host", sa.String(255), nullable=False),
    sa.Column("name", sa.String(255)),
    sa.Column("description", sa.String(255)),
    sa.Column("deleting", sa.Boolean, nullable=False),
    sa.Column("condemned", sa.Boolean, nullable=False),
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("observed", sa.Integer, nullable=False),
    sa.Column("made", sa.Boolean, nullable=False),
    sa.Column("fault", sa.Text),
    sa.Column("status", sa.String(32), nullable=False),
    sa.Column("updated_at", types.Moment),
    sa.Column("declared", sa.String(32), nullable=False, server_default=""),
    sa.Column("progress", sa.String(255)),
    sa.Column("backend", sa.String(64), nullable=False, server_default="file"),
    sa.Index("ix_volume_snapshots_project_created", "project_id", "created_at", "id"),
    sa.Index("ix_volume_snapshots_volume", "volume_id"),
)
sa.Index(
    "ix_volume_snapshots_due",
    snapshots.c.id,
    sqlite_where=snapshots.c.observed != snapshots.c.generation,
    postgresql_where=snapshots.c.observed != snapshots.c.generation,
)

snapshot_metadata = sa.Table(
    "volume_snapshot_metadata",
    types.metadata,
    sa.Column("snapshot_id", sa.String(64), sa.ForeignKey("volume_snapshots.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("key", sa.String(255), primary_key=True),
    sa.Column("value", sa.String(255), nullable=False),
)

uploads = sa.Table(
    "volume_uploads",
    types.metadata,
    types.identifier(),
    types.reference("volume_id", nullable=False),
    sa.Column("host", sa.String(255), nullable=False),
    sa.Column("created_at", types.Moment, nullable=False),
    sa.Column("fault", sa.Text),
    sa.Column("backend", sa.String(64), nullable=False, server_default="file"),
)

backups = sa.Table(
    "volume_backups",
    types.metadata,
    types.identifier(),
    types.reference("volume_id", nullable=False),
    types.reference("snapshot_id"),
    types.reference("parent_id"),
    types.reference("project_id", nullable=False),
    types.reference("user_id", nullable=False),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("container", sa.String(255)),
    sa.Column("created_at", types.Moment, nullable=False),
    sa.Column("data_timestamp", types.Moment, nullable=False),
    sa.Column("host", sa.String(255), nullable=False),
    sa.Column("name", sa.String(255)),
    sa.Column("description", sa.String(255)),
    sa.Column("metadata", types.Json(dict[str, str]), nullable=False),
    sa.Column("deleting", sa.Boolean, nullable=False),
    sa.Column("condemned", sa.Boolean, nullable=False),
    types.reference("restore_to"),
    sa.Column("restore_asked", sa.Integer, nullable=False),
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("observed", sa.Integer, nullable=False),
    sa.Column("made", sa.Boolean, nullable=False),
    sa.Column("restored", sa.Integer, nullable=False),
    sa.Column("object_count", sa.Integer, nullable=False),
    sa.Column("fault", sa.Text),
    sa.Column("status", sa.String(32), nullable=False),
    sa.Column("updated_at", types.Moment),
    sa.Column("volume_metadata", types.Json(dict[str, str]), nullable=False, server_default="{}"),
    sa.Column("image_metadata", types.Json(dict[str, str]), nullable=False, server_default="{}"),
    sa.Column("bootable", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("backend", sa.String(64), nullable=False, server_default="file"),
    sa.Index("ix_volume_backups_project_created", "project_id", "created_at", "id"),
    sa.Index("ix_volume_backups_volume", "volume_id"),
    sa.Index("ix_volume_backups_parent", "parent_id"),
)
sa.Index(
    "ix_volume_backups_due",
    backups.c.id,
    sqlite_where=backups.c.observed != backups.c.generation,
    postgresql_where=backups.c.observed != backups.c.generation,
)

attachments = sa.Table(
    "volume_attachments",
    types.metadata,
    types.identifier(),
    types.reference("volume_id", "volumes.id", nullable=False),
    sa.Column("holder_kind", sa.String(32), nullable=False),
    types.reference("holder_id", nullable=False),
    sa.Column("mountpoint", sa.String(4096), nullable=False),
    sa.Column("read_only", sa.Boolean, nullable=False),
    sa.Column("attached_at", types.Moment, nullable=False),
    sa.Column("status", sa.String(32), nullable=False, server_default=""),
    sa.Column("host_name", sa.String(255)),
    sa.Column("connector", types.Json(dict[str, object])),
    sa.UniqueConstraint("volume_id", "holder_kind", "holder_id"),
)

volume_types = sa.Table(
    "volume_types",
    types.metadata,
    types.identifier(),
    sa.Column("name", sa.String(255), nullable=False, unique=True),
    sa.Column("description", sa.String(255)),
    sa.Column("is_public", sa.Boolean, nullable=False),
    sa.Column("extra_specs", types.Json(dict[str, str]), nullable=False),
    sa.Column("created_at", types.Moment, nullable=False),
)

type_access = sa.Table(
    "volume_type_access",
    types.metadata,
    sa.Column("type_id", sa.String(64), sa.ForeignKey("volume_types.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("project_id", sa.String(64), primary_key=True),
    sa.Index("ix_volume_type_access_project", "project_id"),
)
