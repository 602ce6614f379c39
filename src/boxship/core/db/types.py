"""Column types that mean the same on SQLite and PostgreSQL; never anything about a service."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Dialect

#: All tables of all services; migrations are checked against it.
metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Moment(sa.types.TypeDecorator[datetime]):
    """A moment in UTC, with microseconds; ISO 8601 text on SQLite so that order of text is order of time."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> sa.types.TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(sa.String(32))
        return dialect.type_descriptor(sa.DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None or dialect.name != "sqlite":
            return value
        return value.astimezone(UTC).isoformat(timespec="microseconds")

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime | None] | None:  # noqa: ARG002 (SQLAlchemy's)
        """What every row is read by: without SQLAlchemy's layers in between, as lists have thousands of them."""
        if dialect.name != "sqlite":
            return None  # asyncpg returns aware datetimes
        read = datetime.fromisoformat
        return lambda value: None if value is None else read(value)


class Json(sa.types.TypeDecorator[Any]):
    """A JSON document kept as text; read and written whole, never searched. ``shape`` is its msgspec type."""

    impl = sa.Text
    cache_ok = True

    def __init__(self, shape: Any = Any) -> None:
        super().__init__()
        self.shape = shape
        self._decoder = msgspec.json.Decoder(shape)

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002 (the signature is SQLAlchemy's)
        return None if value is None else msgspec.json.encode(value).decode()

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[str | None], Any]:  # noqa: ARG002 (SQLAlchemy's)
        """As for moments."""
        read = self._decoder.decode
        return lambda value: None if value is None else read(value)


class Choice(sa.types.TypeDecorator[Any]):
    """One word of an enumeration, kept as text."""

    impl = sa.String
    cache_ok = True

    def __init__(self, words: type[StrEnum], length: int = 16) -> None:
        super().__init__(length)
        self.words = words

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 (the signature is SQLAlchemy's)
        return None if value is None else str(value)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[str | None], Any]:  # noqa: ARG002 (SQLAlchemy's)
        """As for moments."""
        known = {str(word): word for word in self.words}
        return lambda value: None if value is None else known[value]


def identifier(*args: Any, **kwargs: Any) -> sa.Column[str]:
    """The primary key of a resource: a UUID (or what upstream uses) as text."""
    return sa.Column("id", sa.String(64), *args, primary_key=True, **kwargs)


def reference(name: str, target: str | None = None, **kwargs: Any) -> sa.Column[str]:
    """A column that holds another row's id; ``target`` (``table.id``) makes it a foreign key of the same service."""
    constraints = [sa.ForeignKey(target)] if target else []
    return sa.Column(name, sa.String(64), *constraints, **kwargs)
