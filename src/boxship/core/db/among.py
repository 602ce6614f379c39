"""Whether a column has one of many texts, as one parameter: ``IN`` writes a parameter for each, which for a page of rows
costs more than the query. Only for lists of texts; never for a subquery."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


class _Texts(sa.types.TypeDecorator[Sequence[str]]):
    """Many texts as one parameter: an array on PostgreSQL, JSON on SQLite."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> sa.types.TypeEngine[Any]:
        wanted: sa.types.TypeEngine[Any] = sa.Text() if dialect.name == "sqlite" else postgresql.ARRAY(sa.Text())
        return dialect.type_descriptor(wanted)

    def process_bind_param(self, value: Sequence[str] | None, dialect: Dialect) -> Any:
        texts = list(value or ())
        return msgspec.json.encode(texts).decode() if dialect.name == "sqlite" else texts


class _Among(FunctionElement[bool]):
    """A column and the parameter."""

    name = "among"
    type = sa.Boolean()
    inherit_cache = True


def among(column: sa.ColumnElement[Any], texts: Sequence[str]) -> sa.ColumnElement[bool]:
    """The condition that the column has one of the texts; no text, no row."""
    return _Among(column, sa.literal(tuple(texts), _Texts()))


@compiles(_Among, "sqlite")
def _sqlite(element: _Among, compiler: Any, **options: Any) -> str:
    column, texts = (compiler.process(part, **options) for part in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({texts}))"  # noqa: S608 (both parts are SQLAlchemy's own)


@compiles(_Among, "postgresql")
def _postgresql(element: _Among, compiler: Any, **options: Any) -> str:
    column, texts = (compiler.process(part, **options) for part in element.clauses)
    return f"{column} = ANY ({texts})"
