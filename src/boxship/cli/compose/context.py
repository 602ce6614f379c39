"""What the parts of a Compose file are read with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from boxship.cli.compose import files
from boxship.cli.compose.fields import Field, Notes

KEY = r"[a-zA-Z0-9._-]{1,100}"
DEFAULT = "default"
"""The network of services that name none."""


@dataclass(slots=True)
class Context:
    """What the parts of a file are read with; ``contents`` are secrets and configs by ``(section, key)``."""

    directory: Path
    variables: files.Variables
    profiles: frozenset[str]
    notes: Notes
    contents: dict[tuple[str, str], bytes]

    def content(self, name: Field) -> bytes:
        """The bytes of a file beside the Compose file. Wrong: it cannot be read."""
        try:
            return files.reader(self.directory)(name.text())
        except OSError as error:
            raise name.wrong(f"the file {name.value} cannot be read: {error.strerror}.") from error
