"""One request as a handler sees it, and its reply. Parses and shapes; never decides, never stores."""

from __future__ import annotations

import re
import uuid
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qsl

import msgspec

from boxship.config import Settings
from boxship.core import errors
from boxship.core.auth.caller import Caller
from boxship.core.db.database import Database, Transaction
from boxship.core.http.microversions import Version

Live = TypeVar("Live")
T = TypeVar("T")

_encoder = msgspec.json.Encoder()
_ECHOED = 60
"""Characters of a bad value that an answer repeats."""
_TRUE = {"1", "t", "true", "on", "y", "yes", ""}
_FALSE = {"0", "f", "false", "off", "n", "no"}


@dataclass(slots=True)
class Reply:
    """An answer: ``body`` is a msgspec type (sent as JSON), bytes, an iterator of bytes, or None for no body."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    media: str = "application/json"

    def encoded(self) -> bytes:
        """The bytes of a body that is not an iterator."""
        if self.body is None:
            return b""
        return self.body if isinstance(self.body, bytes) else _encoder.encode(self.body)


@dataclass(frozen=True, slots=True)
class Query:
    """The query string: every value of every name, in order."""

    pairs: tuple[tuple[str, str], ...]

    @classmethod
    def parse(cls, raw: bytes) -> Query:
        """BadRequest: not UTF-8, or too many fields."""
        try:
            pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=200)
        except ValueError as error:
            raise errors.BadRequest("The query string cannot be read.", field="query", detail=str(error)) from error
        if any("\x00" in name or "\x00" in value for name, value in pairs):
            raise errors.BadRequest("NUL characters are not allowed.", field="query")
        return cls(tuple(pairs))

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.pairs if key == name]

    def one(self, name: str) -> str | None:
        """The last value, or None."""
        values = self.all(name)
        return values[-1] if values else None

    def flag(self, name: str, *, default: bool = False) -> bool:
        """A boolean in any of OpenStack's spellings. BadRequest: none of them."""
        value = self.one(name)
        if value is None:
            return default
        if value.lower() in _TRUE:
            return True
        if value.lower() in _FALSE:
            return False
        raise errors.BadRequest(f"{value[:_ECHOED]!r} is not a boolean", field=name)

    def number(self, name: str, *, least: int = 0, most: int = 2**31 - 1) -> int | None:
        """A whole number in the bounds. BadRequest: not one."""
        value = self.one(name)
        if value is None:
            return None
        if not re.fullmatch(r"-?\d{1,10}", value) or not least <= int(value) <= most:
            raise errors.BadRequest(f"{value[:_ECHOED]!r} is not a whole number from {least} to {most}", field=name)
        return int(value)

    def read(self, shape: type[T]) -> T:
        """The last value of every name as this type. BadRequest: unknown names, wrong values; it names field and reason."""
        try:
            return msgspec.convert(dict(self.pairs), shape, strict=False)
        except msgspec.ValidationError as error:
            raise _refusal(error, "query") from error


@dataclass(slots=True)
class Call(Generic[Live]):
    """A request with all that a handler needs. ``live`` is the service's own live view of the world."""

    method: str
    path: str
    query: Query
    headers: Mapping[str, str]
    parameters: Mapping[str, str]
    request_id: str
    base_url: str
    """Scheme, host and the prefix of the service, without a slash at the end."""
    version: Version
    settings: Settings
    database: Database
    live: Live
    body: bytes = b""
    stream: AsyncIterator[bytes] | None = None
    _caller: Caller | None = None
    _transaction: Transaction | None = None

    @property
    def caller(self) -> Caller:
        """Unauthorized: the route is public and no token came."""
        if self._caller is None:
            raise errors.Unauthorized("The request you have made requires authentication.")
        return self._caller

    @property
    def transaction(self) -> Transaction:
        """The transaction of this request; live routes have none."""
        assert self._transaction is not None, "live routes open their own transactions"
        return self._transaction

    def read(self, shape: type[T]) -> T:
        """The JSON body as this type. BadRequest: it is not; the sentence names field and reason."""
        return decode(self.body, shape)


def decode(body: bytes, shape: type[T], *, binary: bool = False) -> T:
    """JSON as a type: unknown fields, wrong types and numbers out of bounds are BadRequest with the field's path; so are
    NUL characters, but in a ``binary`` document."""
    if not binary and (b"\\u0000" in body or b"\x00" in body):
        raise errors.BadRequest("NUL characters are not allowed in a request body.", field="body")
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError as error:
        raise _refusal(error, "body") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise errors.BadRequest(f"The body is not valid JSON: {error}", field="body") from error


def _refusal(error: msgspec.ValidationError, place: str) -> errors.BadRequest:
    reason, path = _located(str(error))
    return errors.BadRequest(reason, field=path or place)


def _located(message: str) -> tuple[str, str]:
    """msgspec's message as reason and dotted path; an unknown or missing field is part of the path."""
    reason, _, path = message.partition(" - at `")
    dotted = path.rstrip("`").removeprefix("$").lstrip(".")
    unknown = re.fullmatch(r"Object contains unknown field `(.*)`", reason)
    if unknown:
        return "this field is not known", f"{dotted}.{unknown.group(1)[:_ECHOED]}".lstrip(".")
    missing = re.fullmatch(r"Object missing required field `(.*)`", reason)
    if missing:
        return "this field is required", f"{dotted}.{missing.group(1)}".lstrip(".")
    return reason.replace("`", ""), dotted


def new_id() -> str:
    """A random UUID as text with dashes, as Neutron, Cinder, Glance and Zun name resources."""
    return str(uuid.uuid4())
