"""Records of ports: kept over a restart, numbered apart, and who holds what."""

from __future__ import annotations

from pathlib import Path
from unittest import mock

from boxship.drivers.linux.nfnetlink import Element
from boxship.drivers.linux.records import Filter, Record, Records

ELEMENT = Element("inet begun", b"\1\2\3\xff")


def opened(directory: Path) -> Records:
    records = Records(directory)
    records.open()
    return records


def test_a_record_is_read_again(tmp_path: Path) -> None:
    record = Record(whole="text", number=7, filters=(Filter((ELEMENT,), "p_1"),), sandbox="box", device="eth0")
    opened(tmp_path).put("port", record)
    again = opened(tmp_path)
    assert again.get("port") == record
    assert again.holders("p_1") == again.holders(ELEMENT) == 1
    assert again.inside("box") == ["port"]


def test_numbers_are_never_the_same(tmp_path: Path) -> None:
    records = opened(tmp_path)
    with mock.patch("zlib.crc32", return_value=0xFFFFFFFF):
        numbers = [records.number(f"port{number}") for number in range(3)]
    assert numbers == [0xFFFFFFFF, 1, 2]
    records.put("port0", Record(number=numbers[0]))
    assert records.number("port0") == numbers[0]
    assert opened(tmp_path).number("port0") == numbers[0]


def test_what_is_held_is_let_go(tmp_path: Path) -> None:
    records = opened(tmp_path)
    for id in ("one", "two"):
        records.put(id, Record(filters=(Filter((ELEMENT,), "p_1"), Filter((), "p_2"))))
    records.remember("one", Record(filters=(Filter((), "p_1"),)))
    assert (records.holders(ELEMENT), records.holders("p_1"), records.holders("p_2")) == (1, 2, 1)
    records.forget("two")
    assert (records.holders(ELEMENT), records.holders("p_1"), records.holders("p_2")) == (0, 1, 0)
    records.forget("two")
    assert not (tmp_path / "two.json").exists()
