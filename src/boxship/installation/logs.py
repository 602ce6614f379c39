"""Where the program's log goes: JSON lines in ``logs/boxship.log`` (mode 0600, kept small), and for people to stderr."""

from __future__ import annotations

import logging
import logging.handlers
import os
import sys
from collections.abc import Iterable
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import structlog

from boxship.installation import files

NAME = "logs/boxship.log"
_LARGEST, _KEPT = 10 << 20, 3
_SHARED: list[Any] = [
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def configure(state_dir: Path, *, console: bool) -> None:
    """Send structlog's events and the libraries' records to the log file and, where ``console``, to stderr too."""
    path = state_dir / NAME
    files.make_directory(path.parent)
    with files.sentences(path):
        file = _PrivateFile(path, maxBytes=_LARGEST, backupCount=_KEPT)
    file.setFormatter(_formatter([structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]))
    handlers: list[logging.Handler] = [file]
    if console:
        stream = logging.StreamHandler()
        stream.setFormatter(_formatter([structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]))
        handlers.append(stream)
    logging.basicConfig(level=logging.INFO, handlers=handlers, force=True)
    for name in ("alembic", "uvicorn.error"):
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def take_output(state_dir: Path) -> None:
    """From now on what goes to stdout and stderr, such as the last words of a crash, goes to the log file as well."""
    descriptor = os.open(state_dir / NAME, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for standard in (1, 2):
        os.dup2(descriptor, standard)
    os.close(descriptor)


class _PrivateFile(logging.handlers.RotatingFileHandler):
    """A log file, and its successors, that others cannot read."""

    def _open(self) -> TextIOWrapper:
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        return os.fdopen(descriptor, "a", encoding="utf-8")


def tail(state_dir: Path, lines: int = 15) -> list[str]:
    """The end of the log, for the one who asks why it did not start."""
    path = state_dir / NAME
    if not path.is_file():
        return []
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 64 * 1024))
        return file.read().decode(errors="replace").splitlines()[-lines:]


def _formatter(last: Iterable[Any]) -> structlog.stdlib.ProcessorFormatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_SHARED, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last]
    )
