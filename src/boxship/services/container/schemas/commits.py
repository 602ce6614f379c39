"""The query and the answer of commit."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from boxship.core.http.call import Query

Repository = Annotated[str, Meta(min_length=1, max_length=255, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]*$")]
Tag = Annotated[str, Meta(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$")]


class CommitRequest(msgspec.Struct, forbid_unknown_fields=True):
    """The query: what the image is called."""

    repository: Repository
    tag: Tag = "latest"


class CommitAnswer(msgspec.Struct):
    """The id of the image."""

    uuid: str


def read(query: Query) -> CommitRequest:
    """BadRequest. python-zunclient writes ``None`` for no tag."""
    return Query(tuple(pair for pair in query.pairs if pair != ("tag", "None"))).read(CommitRequest)
