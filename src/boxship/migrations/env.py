"""Alembic's entry: runs the versions on the connection that ``migrations.upgrade`` (or a test) hands over."""

from __future__ import annotations

from alembic import context

from boxship.core.db.types import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=False,
)
with context.begin_transaction():
    context.run_migrations()
