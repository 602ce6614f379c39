"""What fetches from outside, whichever it is."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Protocol


class Web(Protocol):
    """Bytes at URLs that users name."""

    def read(self, url: str) -> AsyncGenerator[bytes, None]:
        """The bytes at the URL. Refused: they are not fetched from there, or there are none; Busy: nobody answers, or not to
        the end."""
        ...
