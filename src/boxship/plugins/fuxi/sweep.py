"""What is put right with time, in a thread of its own: a round when the plugin starts and then every while. Decides nothing."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

from boxship.core import errors
from boxship.plugins.fuxi.host import log

_EVERY = 30.0
"""Seconds between two rounds."""


@contextlib.contextmanager
def sweeping(round_: Callable[[], None], every: float = _EVERY) -> Iterator[None]:
    """Rounds for the time of the ``with``; one that is under way at the end is waited for."""
    over = threading.Event()

    def run() -> None:
        while not over.is_set():
            try:
                round_()
            except (errors.BoxshipError, OSError) as error:
                log.warning("a round of the sweep failed", reason=str(error))
            over.wait(every)

    thread = threading.Thread(target=run, name="sweep", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(_EVERY)
