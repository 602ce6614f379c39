"""Archives on the wire: Zun's JSON with the tar in base64 (from 1.25 on) or as text (before), written and read piece by
piece, so that an archive of any size passes in little memory. Never looks into the tar."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import AsyncIterator

import msgspec

from boxship.core import errors
from boxship.core.http import call as http
from boxship.core.http.microversions import Version

TAR = "application/x-tar"
"""The media type by which an archive passes as it is: Boxship's own; Zun itself knows only text in JSON."""
BASE64_SINCE = Version(1, 25)

_SMALL = 1 << 16
"""Bytes of a body that are read before it is decided what it is."""
_HEAD = re.compile(rb'\s*\{\s*"data"\s*:\s*"')
_TAIL = re.compile(rb"\s*\}\s*")
_TAIL_ROOM = 1 << 10


class ArchiveRequest(msgspec.Struct, forbid_unknown_fields=True):
    """The body of put_archive."""

    data: str


class Stat(msgspec.Struct):
    """What Docker says of a path, under its names."""

    name: str
    size: int
    mode: int
    mtime: str
    linkTarget: str  # noqa: N815 (the name on the wire)


class _TextArchive(msgspec.Struct):
    data: str
    stat: Stat


def text_document(stat: Stat, archive: bytes) -> _TextArchive:
    """The answer up to 1.24. BadRequest: the tar is no UTF-8, which these versions cannot carry."""
    try:
        return _TextArchive(archive.decode(), stat)
    except UnicodeDecodeError as error:
        sentence = "the archive holds more than text; versions from 1.25 on carry it"
        raise errors.BadRequest(sentence, field="path") from error


async def base64_document(stat: Stat, archive: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The answer from 1.25 on, as the tar comes."""
    yield b'{"stat":' + msgspec.json.encode(stat) + b',"data":"'
    rest = b""
    async for part in archive:
        rest += part
        whole = len(rest) - len(rest) % 3
        yield base64.b64encode(rest[:whole])
        rest = rest[whole:]
    yield base64.b64encode(rest) + b'"}'


async def joined(stream: AsyncIterator[bytes], limit: int) -> bytes:
    """All of a stream. TooLarge: it holds more than ``limit`` bytes."""
    content = bytearray()
    async for part in stream:
        content += part
        if len(content) > limit:
            raise errors.TooLarge(
                f"More than {limit} bytes pass only as {TAR}, or in base64 from version {BASE64_SINCE} on."
            )
    return bytes(content)


async def text_archive(body: AsyncIterator[bytes], limit: int) -> bytes:
    """The tar in a body of a version up to 1.24. TooLarge; BadRequest: it is not such a body."""
    return http.decode(await joined(body, limit), ArchiveRequest, binary=True).data.encode()


async def base64_archive(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The tar in a body of a version from 1.25 on, as it comes. BadRequest: at the first byte that cannot be such a body."""
    start = bytearray()
    async for piece in body:
        start += piece
        if len(start) > _SMALL:
            break
    else:
        text = http.decode(bytes(start), ArchiveRequest).data.encode()
        yield _decoded(text.replace(b"\n", b"").replace(b"\r", b""))
        return
    head = _HEAD.match(start)
    if head is None:
        raise errors.BadRequest('the body must be {"data": "..."}', field="data")
    reader = _Reader()
    yield reader.read(bytes(start[head.end() :]))
    async for piece in body:
        yield reader.read(piece)
    reader.end()


class _Reader:
    """From what follows the opening quote of a JSON string to the bytes that are in it as base64."""

    def __init__(self) -> None:
        self._rest = b""
        self._tail: bytes | None = None
        self._padded = False

    def read(self, piece: bytes) -> bytes:
        """The bytes that can be known now."""
        if self._tail is not None:
            self._follow(piece)
            return b""
        text, quote, tail = (self._rest + piece).partition(b'"')
        held = b"\\" if not quote and text.endswith(b"\\") else b""
        text = text.removesuffix(held).replace(b"\\/", b"/").replace(b"\\n", b"").replace(b"\\r", b"")
        whole = len(text) if quote else len(text) - len(text) % 4
        self._rest = text[whole:] + held
        if quote:
            self._tail = b""
            self._follow(tail)
        return self._decoded(text[:whole])

    def end(self) -> None:
        """BadRequest: the body ended too soon."""
        if self._tail is None or not _TAIL.fullmatch(self._tail):
            raise errors.BadRequest("the body is not valid JSON: it ends too soon", field="body")

    def _follow(self, piece: bytes) -> None:
        assert self._tail is not None
        self._tail += piece
        if len(self._tail) > _TAIL_ROOM or self._tail.strip(b" \t\r\n") not in {b"", b"}"}:
            raise errors.BadRequest("nothing may follow it in the body", field="data")

    def _decoded(self, text: bytes) -> bytes:
        if text and self._padded:
            raise errors.BadRequest("it must be base64", field="data")
        self._padded = text.endswith(b"=")
        return _decoded(text)


def _decoded(text: bytes) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise errors.BadRequest("it must be base64", field="data") from error
