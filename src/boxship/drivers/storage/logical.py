"""The logical volumes of one volume group that carry an installation's tag, through the commands of LVM (lvs(8), lvcreate(8),
lvchange(8), lvextend(8), lvreduce(8), lvrename(8), lvremove(8)). Knows names and tags; no file system and no mount.

No command is ever given a name that ``lvs`` did not show with the tag just before, but to create one.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import msgspec

from boxship.core.errors import Absent, Busy, Refused

_MARK = "boxship.mark."
_SIZE = "boxship.size."
_OF = "boxship.of."
_BLANK = "boxship.blank"
_READY = "boxship.ready"
_ACTIVE = 4
"""Where the state stands among the attributes of lvs."""
_FULL = ("insufficient free space", "out of space", "Free space in pool", "above threshold", "No space left")
_PATIENCE = 120.0
"""Seconds that a command may take."""


class Part(StrEnum):
    """What a logical volume is, by its name."""

    VOLUME = "v"
    SNAPSHOT = "s"
    NEW = "n"
    READ = "t"


@dataclass(frozen=True, slots=True)
class Logical:
    """A logical volume with our tag. ``size`` in bytes is what was asked for, ``extent`` what it is rounded to; ``origin_id``:
    the volume that a snapshot is of."""

    part: Part
    id: str
    size: int
    extent: int
    active: bool
    blank: bool
    ready: bool
    origin_id: str

    @property
    def name(self) -> str:
        return _name(self.part, self.id)


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    error: str


Run = Callable[[Sequence[str]], Done]


def run(command: Sequence[str]) -> Done:
    """Run a command of LVM. Refused: it is missing. Busy: it does not end."""
    if shutil.which(command[0]) is None:
        raise Refused(f"The program {command[0]} is missing on this host; install lvm2.")
    words = ["env", "LC_ALL=C", "LVM_SUPPRESS_FD_WARNINGS=1", *command]
    try:
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, timeout=_PATIENCE, check=False)
    except subprocess.TimeoutExpired as error:
        raise Busy(f"The program {command[0]} does not end.") from error
    return Done(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))


class _Row(msgspec.Struct):
    """What lvs tells of a logical volume; all values are text."""

    lv_name: str
    lv_size: str
    lv_tags: str = ""
    lv_attr: str = ""
    data_percent: str = ""


class _Report(msgspec.Struct):
    lv: list[_Row] = []


class _Reports(msgspec.Struct):
    report: list[_Report]


class Group:
    """The logical volumes with this ``mark`` in the thin pool of a group; their devices are below ``devices``."""

    def __init__(self, names: tuple[str, str], mark: str, run: Run = run, devices: Path = Path("/dev")) -> None:
        self._name, self._pool = names
        self._mark = f"{_MARK}{mark}"
        self._run = run
        self._devices = devices

    def all(self) -> list[Logical]:
        """Every one with the mark, whatever state it is in."""
        rows = self._rows("--select", f"lv_tags={{{self._mark}}}", self._name)
        return [found for row in rows if (found := self._read(row))]

    def find(self, part: Part, id: str) -> Logical | None:
        """The one of this name, if it is there."""
        return next((one for one in self.all() if (one.part, one.id) == (part, id)), None)

    def need(self, part: Part, id: str) -> Logical:
        """The same. Absent."""
        found = self.find(part, id)
        if found is None:
            raise Absent("The volume is not on this host.")
        return found

    def path(self, logical: Logical) -> Path:
        """Where its device is while it is active."""
        return self.path_of(logical.part, logical.id)

    def path_of(self, part: Part, id: str) -> Path:
        """The same, by name."""
        return self._devices / self._name / _name(part, id)

    def room(self) -> tuple[int, int]:
        """Bytes of the pool, and how many of them are used."""
        (row,) = self._rows(f"{self._name}/{self._pool}")
        total = int(row.lv_size)
        return total, int(total * float(row.data_percent or 0) / 100)

    def create(self, part: Part, id: str, size: int) -> None:
        """A new one that reads as zeros; nobody has its device."""
        where = ["--virtualsize", f"{size}b", "--thinpool", self._pool]
        self._do("lvcreate", *_STILL, *where, *self._tags(size, blank=True), "--name", _name(part, id), self._name)

    def copy(self, origin: Logical, part: Part, id: str) -> None:
        """A thin copy of what one holds at this moment; LVM holds a mounted file system still for it. One of a volume remembers
        which."""
        tags = self._tags(origin.size, blank=origin.blank)
        tags += ["--addtag", f"{_OF}{origin.id if origin.part is Part.VOLUME else origin.origin_id}"]
        self._do("lvcreate", *_STILL, "--snapshot", *tags, "--name", _name(part, id), self._at(origin))

    def resize(self, logical: Logical, size: int) -> None:
        """Make it as large. Repeatable; what is larger already stays."""
        if logical.extent < size:
            self._do("lvextend", "--size", f"{size}b", self._at(logical))
        if logical.size < size:
            self._sized(logical, size)

    def cut(self, logical: Logical, size: int) -> None:
        """Make it smaller: what was beyond is gone."""
        self._do("lvreduce", "--yes", "--force", "--size", f"{size}b", self._at(logical))
        self._sized(logical, size)

    def _sized(self, logical: Logical, size: int) -> None:
        tags = ["--addtag", f"{_SIZE}{size}", "--deltag", f"{_SIZE}{logical.size}"]
        self._do("lvchange", *tags, self._at(logical))

    def tag(self, logical: Logical, *, blank: bool | None = None, ready: bool | None = None) -> None:
        """Note what it is from now on. Repeatable."""
        tags: list[str] = []
        for tag, wanted in ((_BLANK, blank), (_READY, ready)):
            if wanted is not None:
                tags += ["--addtag" if wanted else "--deltag", tag]
        self._do("lvchange", *tags, self._at(logical))

    def activate(self, logical: Logical) -> None:
        """Have its device. Repeatable."""
        self._do("lvchange", "--activate", "y", "--ignoreactivationskip", self._at(logical))

    def deactivate(self, logical: Logical) -> None:
        """Have it no more. Repeatable. Busy: somebody uses it."""
        self._do("lvchange", "--activate", "n", self._at(logical))

    def rename(self, logical: Logical, part: Part) -> None:
        """Give it the name of another part; nothing has that."""
        self._do("lvrename", self._name, logical.name, _name(part, logical.id))

    def remove(self, part: Part, id: str) -> None:
        """Remove it with its data. Repeatable. Busy: somebody uses it."""
        if self.find(part, id) is not None:
            self._do("lvremove", "--yes", f"{self._name}/{_name(part, id)}")

    def _rows(self, *words: str) -> list[_Row]:
        told = self._do("lvs", *_REPORT, *words)
        try:
            return [row for report in msgspec.json.decode(told, type=_Reports).report for row in report.lv]
        except msgspec.MsgspecError as error:
            raise Busy("LVM does not tell what is there.", detail=str(error)) from error

    def _read(self, row: _Row) -> Logical | None:
        """None: it is not ours, or is none of ours that we know."""
        tags = row.lv_tags.split(",")
        words = row.lv_name.split("-", 2)
        if self._mark not in tags or len(words) != 3 or words[0] != "boxship" or words[1] not in set(Part):
            return None
        sizes = [int(tag.removeprefix(_SIZE)) for tag in tags if tag.startswith(_SIZE)]
        return Logical(
            part=Part(words[1]),
            id=words[2],
            size=max(sizes, default=int(row.lv_size)),
            extent=int(row.lv_size),
            active=row.lv_attr[_ACTIVE : _ACTIVE + 1] == "a",
            blank=_BLANK in tags,
            ready=_READY in tags,
            origin_id=next((tag.removeprefix(_OF) for tag in tags if tag.startswith(_OF)), ""),
        )

    def _tags(self, size: int, *, blank: bool) -> list[str]:
        tags = [self._mark, f"{_SIZE}{size}", *([_BLANK] if blank else [])]
        return [word for tag in tags for word in ("--addtag", tag)]

    def _at(self, logical: Logical) -> str:
        return f"{self._name}/{logical.name}"

    def _do(self, *command: str) -> str:
        """What the command says. Refused: the pool is full, or it is missing. Busy: anything else, with LVM's words."""
        done = self._run(command)
        if done.code == 0:
            return done.out
        if any(words in done.error for words in _FULL):
            raise Refused("The thin pool of the volumes is full; extend it, or delete volumes or snapshots.")
        raise Busy("LVM cannot do this now.", detail=f"{command[0]}: {done.error.strip()[:500]}")


_STILL = ("--yes", "--activate", "n", "--setactivationskip", "y")
"""New ones have no device, and get none when the host starts."""
_REPORT = (
    *("--reportformat", "json", "--units", "b", "--nosuffix"),
    *("--options", "lv_name,lv_size,lv_tags,lv_attr,data_percent"),
)


def _name(part: Part, id: str) -> str:
    return f"boxship-{part}-{id}"
