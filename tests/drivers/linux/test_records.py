"""Records of ports: kept over a restart, numbered apart, and who holds what."""

from __future__ import annotations

from pathlib import Path
from unittest import mock

from boxship.drivers.linux.nfnetlink import Element
from boxship.drivers.linux.records import Filter, Record, Records

MOST = 0x3FFFF
ELEMENT = Element("inet begun", b"\1\2\3\xff")


def opened(directory: Path) -> Records:
    records = Records(directory)
    records.open()
    return records


def put(records: Records, id: str, record: Record) -> None:
    records.begin(id, record)
    records.finish(id, record)


def test_a_change_that_was_cut_off_is_known_to_be(tmp_path: Path) -> None:
    """What was there and what was to be may both be there; nothing is in force."""
    old, new = Filter((ELEMENT,), "p_1"), Filter((), "p_2")
    records = opened(tmp_path)
    put(records, "port", Record(whole="old", number=7, filters=(old,)))
    records.begin("port", Record(whole="new", number=7, filters=(new,)))
    for seen in (records.get("port"), opened(tmp_path).get("port")):
        assert seen == Record(whole="", number=7, filters=(old, new))
    records.finish("port", Record(whole="new", number=7, filters=(new,)))
    assert opened(tmp_path).get("port") == records.get("port") == Record(whole="new", number=7, filters=(new,))


def test_a_record_is_read_again(tmp_path: Path) -> None:
    record = Record(whole="text", number=7, filters=(Filter((ELEMENT,), "p_1"),), sandbox="box", device="eth0")
    put(opened(tmp_path), "port", record)
    again = opened(tmp_path)
    assert again.get("port") == record
    assert again.holders("p_1") == again.holders(ELEMENT) == 1
    assert again.inside("box") == ["port"]


def test_numbers_are_never_the_same(tmp_path: Path) -> None:
    records = opened(tmp_path)
    with mock.patch("zlib.crc32", return_value=0xFFFFFFFF):
        numbers = [records.number(f"port{number}", MOST) for number in range(3)]
    assert numbers == [MOST, 1, 2]
    put(records, "port0", Record(number=numbers[0]))
    assert records.number("port0", MOST) == numbers[0]
    assert opened(tmp_path).number("port0", MOST) == numbers[0]


def test_what_is_held_is_let_go(tmp_path: Path) -> None:
    records = opened(tmp_path)
    for id in ("one", "two"):
        put(records, id, Record(filters=(Filter((ELEMENT,), "p_1"), Filter((), "p_2"))))
    records.remember("one", Record(filters=(Filter((), "p_1"),)))
    assert (records.holders(ELEMENT), records.holders("p_1"), records.holders("p_2")) == (1, 2, 1)
    records.forget("two")
    assert (records.holders(ELEMENT), records.holders("p_1"), records.holders("p_2")) == (0, 1, 0)
    records.forget("two")
    assert not (tmp_path / "two.json").exists()
