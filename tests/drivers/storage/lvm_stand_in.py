"""What plays LVM where there is no device-mapper: logical volumes are sparse files, active ones loop devices. It answers as
LVM 2.03.16 does: the reports' format and the refusals were recorded there (``LVS``), and ``asked`` keeps every command, so that
a real LVM can be asked whether it would take them."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from boxship.drivers.storage import freezing, loop, mounts
from boxship.drivers.storage.logical import Done

EXTENT = 4 << 20
POOL = 64 << 30
LVS = """\
  {
      "report": [
          {
              "lv": [
                  {"lv_name":"boxship-v-5b7b2d0e-4f4e-4f3c-9c55-0b6b1f6e0001", "lv_size":"1073741824", \
"lv_tags":"boxship.blank,boxship.mark.ab12,boxship.size.1073741820", "lv_attr":"Vwi---tz-k", "data_percent":""},
                  {"lv_name":"boxship-s-5b7b2d0e-4f4e-4f3c-9c55-0b6b1f6e0002", "lv_size":"1073741824", \
"lv_tags":"boxship.mark.ab12,boxship.of.5b7b2d0e-4f4e-4f3c-9c55-0b6b1f6e0001", "lv_attr":"Vwi-a-tz-k", "data_percent":"3.71"},
                  {"lv_name":"boxship-v-foreign", "lv_size":"536870912", "lv_tags":"boxship.mark.cd34", \
"lv_attr":"Vwi-XXtz-k", "data_percent":""},
                  {"lv_name":"thin", "lv_size":"1073741824", "lv_tags":"", "lv_attr":"twi---tz--", "data_percent":"12.50"}
              ]
          }
      ]
  }
"""
"""A report of lvs 2.03.16, with names and tags as the driver gives them."""


@dataclass(slots=True)
class Volume:
    """A logical volume."""

    file: Path
    size: int
    tags: set[str] = field(default_factory=set)
    device: Path | None = None


class StandIn:
    """A group with a thin pool, in a directory."""

    def __init__(self, directory: Path, group: str = "vg", pool: str = "thin") -> None:
        self.directory = directory
        self.devices = directory / "dev"
        self.group = group
        self.pool = pool
        self.volumes: dict[str, Volume] = {}
        self.asked: list[list[str]] = []
        self.full = False
        (self.devices / group).mkdir(parents=True)

    def __call__(self, command: Sequence[str]) -> Done:
        """Run a command."""
        self.asked.append(list(command))
        verbs: dict[str, Callable[[list[str]], str]] = {
            "lvs": self._lvs,
            "lvcreate": self._lvcreate,
            "lvchange": self._lvchange,
            "lvextend": self._lvresize,
            "lvreduce": self._lvresize,
            "lvrename": self._lvrename,
            "lvremove": self._lvremove,
        }
        try:
            return Done(0, verbs[command[0]](list(command[1:])), "")
        except ValueError as error:
            return Done(5, "", f"  {error}\n")

    def foreign(self, name: str) -> Volume:
        """A volume that somebody else made."""
        return self._make(name, EXTENT, {"somebody.else"})

    def close(self) -> None:
        """Let go of the devices."""
        for name in list(self.volumes):
            self._deactivate(name)

    def _lvs(self, words: list[str]) -> str:
        if words[-1] == f"{self.group}/{self.pool}":
            used = "100.00" if self.full else "0.00"
            rows = [
                {
                    "lv_name": self.pool,
                    "lv_size": str(POOL),
                    "lv_tags": "",
                    "lv_attr": "twi-aotz--",
                    "data_percent": used,
                }
            ]
        else:
            assert words[-1] == self.group
            tag = _option(words, "--select").removeprefix("lv_tags={").removesuffix("}")
            rows = [self._row(name, one) for name, one in sorted(self.volumes.items()) if tag in one.tags]
        return json.dumps({"report": [{"lv": rows}]})

    def _row(self, name: str, one: Volume) -> dict[str, str]:
        state = "a" if one.device else "-"
        tags = ",".join(sorted(one.tags))
        return {
            "lv_name": name,
            "lv_size": str(one.size),
            "lv_tags": tags,
            "lv_attr": f"Vwi-{state}-tz-k",
            "data_percent": "",
        }

    def _lvcreate(self, words: list[str]) -> str:
        if self.full:
            raise ValueError(
                "Cannot create new thin volume, free space in thin pool vg/thin reached threshold. Free space in pool"
            )
        name, tags = _option(words, "--name"), set(_options(words, "--addtag"))
        if name in self.volumes:
            raise ValueError(f'Logical Volume "{name}" already exists in volume group "{self.group}"')
        if "--snapshot" not in words:
            assert (words[-1], _option(words, "--thinpool")) == (self.group, self.pool)
            self._make(name, _bytes(_option(words, "--virtualsize")), tags)
            return ""
        origin = self._at(words[-1])
        made = self._make(name, origin.size, tags)
        if origin.device:
            descriptor = os.open(origin.device, os.O_RDONLY)
            os.fsync(descriptor)
            os.close(descriptor)
        point = mounts.point_of(self.devices / words[-1])
        with freezing.frozen(point) if point else nullcontext():
            shutil.copyfile(origin.file, made.file)
        return ""

    def _make(self, name: str, size: int, tags: set[str]) -> Volume:
        file = self.directory / f"{len(self.asked)}.{name}.lv"
        rounded = -(-size // EXTENT) * EXTENT
        with file.open("wb") as target:
            target.truncate(rounded)
        self.volumes[name] = Volume(file, rounded, tags)
        return self.volumes[name]

    def _lvchange(self, words: list[str]) -> str:
        one = self._at(words[-1])
        one.tags |= set(_options(words, "--addtag"))
        one.tags -= set(_options(words, "--deltag"))
        if "--activate" in words:
            name = words[-1].partition("/")[2]
            (self._activate if _option(words, "--activate") == "y" else self._deactivate)(name)
        return ""

    def _activate(self, name: str) -> None:
        one = self.volumes[name]
        if one.device is None:
            descriptor, one.device = loop.bind(one.file, "stand-in")
            loop.keep(descriptor, kept=True)
            os.close(descriptor)
            (self.devices / self.group / name).symlink_to(one.device)

    def _deactivate(self, name: str) -> None:
        one = self.volumes[name]
        if one.device is None:
            return
        try:
            os.close(os.open(one.device, os.O_RDWR | os.O_EXCL))
        except OSError as error:
            raise ValueError(f"Logical volume {self.group}/{name} in use.") from error
        loop.unbind(one.device, one.file)
        one.device = None
        (self.devices / self.group / name).unlink()

    def _lvresize(self, words: list[str]) -> str:
        one, size = self._at(words[-1]), -(-_bytes(_option(words, "--size")) // EXTENT) * EXTENT
        if size == one.size:
            raise ValueError(f"New size ({size // EXTENT} extents) matches existing size ({size // EXTENT} extents).")
        os.truncate(one.file, size)
        one.size = size
        if one.device:
            descriptor = os.open(one.device, os.O_RDWR)
            loop.grow(descriptor)
            os.close(descriptor)
        return ""

    def _lvrename(self, words: list[str]) -> str:
        group, old, new = words
        assert group == self.group
        if new in self.volumes:
            raise ValueError(f'Logical Volume "{new}" already exists in volume group "{group}"')
        one = self._at(f"{group}/{old}")
        assert one.device is None
        self.volumes[new] = self.volumes.pop(old)
        return ""

    def _lvremove(self, words: list[str]) -> str:
        name = words[-1].partition("/")[2]
        one = self._at(words[-1])
        self._deactivate(name)
        one.file.unlink()
        del self.volumes[name]
        return ""

    def _at(self, place: str) -> Volume:
        group, _, name = place.partition("/")
        if group != self.group or name not in self.volumes:
            raise ValueError(f'Failed to find logical volume "{place}"')
        return self.volumes[name]


def _option(words: list[str], name: str) -> str:
    return _options(words, name)[0]


def _options(words: list[str], name: str) -> list[str]:
    return [words[at + 1] for at, word in enumerate(words) if word == name]


def _bytes(text: str) -> int:
    assert text.endswith("b")
    return int(text[:-1])
