"""The fields of a Compose file, read as what they have to be. What is wrong, or cannot be honoured, is told with its path."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from boxship.cli.compose.files import Wrong

_UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_KINDS = {dict: "a map", list: "a list", str: "a text", bool: "true or false"}


@dataclass(frozen=True, slots=True)
class Note:
    """Something that is not done as the file says, and why."""

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


@dataclass(slots=True)
class Notes:
    """What was noted so far."""

    found: list[Note] = field(default_factory=list)

    def add(self, path: str, reason: str) -> None:
        """Note it, once."""
        note = Note(path, reason)
        if note not in self.found:
            self.found.append(note)


@dataclass(frozen=True, slots=True)
class Field:
    """A value and its path in the file. What cannot be read as asked for is Wrong."""

    value: Any
    path: str

    def wrong(self, reason: str) -> Wrong:
        """The error that is at this place."""
        return Wrong(self.path, reason)

    def _mismatch(self, wanted: str) -> Wrong:
        found = _KINDS.get(type(self.value), "nothing" if self.value is None else "something else")
        return self.wrong(f"it has to be {wanted}, and it is {found}.")

    def is_text(self) -> bool:
        """Whether it is one of the short forms."""
        return isinstance(self.value, str)

    def is_map(self) -> bool:
        """Whether it has keys."""
        return isinstance(self.value, dict)

    def text(self) -> str:
        """A text that is not empty."""
        if not isinstance(self.value, str):
            raise self._mismatch("a text")
        if not self.value:
            raise self.wrong("it is empty.")
        return self.value

    def word(self, *known: str) -> str:
        """One of these words."""
        found = str(self.value).lower() if isinstance(self.value, bool) else self.text()
        if found not in known:
            raise self.wrong(f"{found!r} is none of {', '.join(known)}.")
        return found

    def matching(self, form: str, what: str) -> str:
        """A text of this form (a regular expression)."""
        found = self.text()
        if not re.fullmatch(form, found):
            raise self.wrong(f"{found!r} is not {what}.")
        return found

    def flag(self) -> bool:
        """true or false; also as text, which is what variables give."""
        if isinstance(self.value, bool):
            return self.value
        if isinstance(self.value, str) and self.value.lower() in {"true", "false"}:
            return self.value.lower() == "true"
        raise self._mismatch("true or false")

    def number(self, least: float, most: float = math.inf) -> float:
        """A number in bounds."""
        try:
            found = float(self.text())
        except ValueError as error:
            raise self.wrong(f"{self.value!r} is no number.") from error
        if not least <= found <= most:
            raise self.wrong(
                f"{self.value} is less than {least:g}."
                if found < least
                else f"{self.value} is no number up to {most:g}."
            )
        return found

    def whole(self, least: int, most: int) -> int:
        """A whole number in bounds."""
        found = self.text()
        if not re.fullmatch(r"[0-9]{1,12}", found) or not least <= int(found) <= most:
            raise self.wrong(f"{found!r} is no whole number from {least} to {most}.")
        return int(found)

    def size(self) -> int:
        """Bytes: ``512m``, ``1gb``, ``1048576``."""
        match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*([bkmgt]?)(?:i?b)?", self.text().lower())
        if match is None:
            raise self.wrong(f"{self.value!r} is no amount of bytes, such as 512m or 1g.")
        return int(float(match[1]) * _UNITS[match[2]])

    def seconds(self) -> float:
        """A duration: ``1m30s``, ``500ms``."""
        text = self.text()
        parts = re.findall(r"([0-9]+(?:\.[0-9]+)?)(us|ms|s|m|h)", text)
        if not parts or "".join(f"{number}{unit}" for number, unit in parts) != text:
            raise self.wrong(f"{text!r} is no duration, such as 1m30s.")
        return float(sum(float(number) * _SECONDS[unit] for number, unit in parts))

    def items(self) -> list[Field]:
        """What is in a list."""
        if not isinstance(self.value, list):
            raise self._mismatch("a list")
        return [Field(each, f"{self.path}[{at}]") for at, each in enumerate(self.value)]

    def texts(self) -> list[str]:
        """A list of texts, or a single one."""
        return [self.text()] if self.is_text() else [each.text() for each in self.items()]

    def words(self) -> list[str]:
        """A command: a list, or a text that is split as a shell does."""
        if not isinstance(self.value, str):
            return [each.value if each.value == "" else each.text() for each in self.items()]
        try:
            return shlex.split(self.value)
        except ValueError as error:
            raise self.wrong("its quotes are not closed.") from error

    def map(self) -> Map:
        """The keys of a map."""
        if not isinstance(self.value, dict):
            raise self._mismatch("a map")
        return Map(self.value, self.path)

    def pairs(self) -> dict[str, str | None]:
        """``NAME: value`` or ``- NAME=value``; None where there is no value."""
        if isinstance(self.value, dict):
            return {name: each.plain() for name, each in self.map()}
        found: dict[str, str | None] = {}
        for each in self.items():
            name, sign, value = each.text().partition("=")
            if not name:
                raise each.wrong(f"{each.value!r} is not NAME=value.")
            found[name] = value if sign else None
        return found

    def plain(self) -> str | None:
        """A text that may be empty, a truth as text, or nothing."""
        if isinstance(self.value, bool):
            return str(self.value).lower()
        if self.value is None or isinstance(self.value, str):
            return self.value
        raise self._mismatch("a text")


@dataclass(frozen=True, slots=True)
class Map:
    """A map of the file with its path. Keys without a value are not there."""

    value: Mapping[str, Any]
    path: str

    def __iter__(self) -> Iterator[tuple[str, Field]]:
        """All keys, those without a value as well."""
        return ((name, Field(each, self.at(name))) for name, each in self.value.items())

    def at(self, name: str) -> str:
        """The path of a key."""
        return f"{self.path}.{name}" if self.path else name

    def get(self, name: str) -> Field | None:
        """The value of a key; None: there is none."""
        found = self.value.get(name)
        return None if found is None else Field(found, self.at(name))

    def checked(self, known: frozenset[str] | set[str], unhonoured: Mapping[str, str], notes: Notes) -> Map:
        """Itself, after a look at its keys: those in ``unhonoured`` are noted with the reason, except where they ask for nothing;
        ``x-`` ones are anybody's. Wrong: another one."""
        for name, each in self:
            if name in unhonoured:
                if each.value not in (None, False, [], {}, "false"):
                    notes.add(each.path, unhonoured[name])
            elif name not in known and not name.startswith("x-"):
                raise each.wrong("a Compose file has no such key here.")
        return self
