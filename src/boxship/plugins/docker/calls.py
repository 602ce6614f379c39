"""A call of Docker: the type of its body, what answers it, and how long that may take. Knows no HTTP and no cloud."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from boxship.core import errors

Client = TypeVar("Client")
"""What a plugin asks the cloud with; made for each call, which is due at a time."""


class Nothing(msgspec.Struct, frozen=True):
    """A call or an answer that says nothing."""


@dataclass(frozen=True, slots=True)
class Call(Generic[Client]):
    """``seconds``: within which it is answered, whatever the cloud does; None: as the plugin is told for all calls."""

    body: type[msgspec.Struct]
    answer: Callable[[Client, Any], msgspec.Struct]
    seconds: float | None = None

    def read(self, content: bytes) -> msgspec.Struct:
        """The body of a request; an empty one is ``{}``. BadRequest: it is none for this call."""
        try:
            return msgspec.json.decode(content or b"{}", type=self.body)
        except (msgspec.DecodeError, RecursionError) as error:
            raise errors.BadRequest(f"The body cannot be read: {error}.") from error


def always(answer: msgspec.Struct) -> Callable[[Any, Any], msgspec.Struct]:
    """What is answered without asking anybody."""
    return lambda _client, _call: answer
