"""What `cp` makes of files: trees come back as they went, names follow cp(1), and no archive gets out of its target."""

from __future__ import annotations

import io
import os
import stat
import tarfile
from pathlib import Path

import pytest

from boxship.cli import archives, packing, unpacking
from boxship.cli.failure import Failure


def archive(*entries: tuple[str, bytes | str | None]) -> io.BytesIO:
    """A tar: content for files, None for directories, ``->`` for symbolic and ``=>`` for hard links, ``!`` for a device."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as made:
        for name, content in entries:
            entry = tarfile.TarInfo(name)
            if isinstance(content, bytes):
                entry.size = len(content)
                made.addfile(entry, io.BytesIO(content))
                continue
            entry.mode = 0o755
            if content is None:
                entry.type = tarfile.DIRTYPE
            elif content == "!":
                entry.type, entry.devmajor, entry.devminor = tarfile.CHRTYPE, 1, 3
            else:
                entry.type = tarfile.SYMTYPE if content.startswith("->") else tarfile.LNKTYPE
                entry.linkname = content[2:]
            made.addfile(entry)
    buffer.seek(0)
    return buffer


def members(made: io.BytesIO) -> list[tarfile.TarInfo]:
    with tarfile.open(fileobj=made) as entries:
        return entries.getmembers()


def unpack(made: io.BytesIO, base: Path, name: str = "") -> list[str]:
    """The sentences of what was left out."""
    refused: list[str] = []
    unpacking.Unpacker(base, name, refused.append).unpack(made, lambda entry: None)
    return refused


def content(top: Path) -> dict[str, object]:
    """Everything below, with content, modes and links; names that are one file share a number."""
    numbers: dict[int, int] = {}
    found: dict[str, object] = {}
    for path in sorted(top.rglob("*")):
        status = path.lstat()
        name = str(path.relative_to(top))
        if path.is_symlink():
            found[name] = ("link", str(path.readlink()))
        elif path.is_dir():
            found[name] = "directory"
        else:
            number = numbers.setdefault(status.st_ino, len(numbers))
            found[name] = (path.read_bytes(), stat.S_IMODE(status.st_mode), int(status.st_mtime), number)
    return found


def test_a_tree_goes_there_and_back(tmp_path: Path) -> None:
    top = tmp_path / "tree"
    (top / "a" / "empty").mkdir(parents=True)
    (top / "a" / "file").write_bytes(os.urandom(300_000))
    (top / "a" / "script").write_text("#!/bin/sh\n")
    (top / "a" / "script").chmod(0o755)
    (top / "näme with space").write_text("")
    (top / ("long" * 50)).write_text("long")
    (top / "link").symlink_to("a/file")
    os.link(top / "a" / "file", top / "second")
    os.utime(top / "a" / "script", (1, 86400))
    for base, name in ((tmp_path / "named", "other"), (tmp_path / "plain", "")):
        base.mkdir()
        refused: list[str] = []
        made = io.BytesIO(b"".join(packing.packed(top, "tree", refused.append)))
        assert unpack(made, base, name) == refused == []
        assert content(base / name) == content(top)


def test_the_content_of_a_directory_alone(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "file").write_text("x")
    made = io.BytesIO(b"".join(packing.packed(tmp_path, "", print)))
    assert [entry.name for entry in members(made)] == ["a", "a/file"]


def test_what_is_no_file_is_left_out_of_what_is_sent(tmp_path: Path) -> None:
    top = tmp_path / "tree"
    top.mkdir()
    os.mkfifo(top / "pipe")
    (top / "file").write_text("x")
    refused: list[str] = []
    made = io.BytesIO(b"".join(packing.packed(top, "tree", refused.append)))
    assert [entry.name for entry in members(made)] == ["tree", "tree/file"]
    assert len(refused) == 1
    assert "pipe" in refused[0]


def test_nobody_owns_what_is_sent_but_root(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    if os.geteuid() == 0:
        os.chown(tmp_path / "file", 1234, 1234)
    made = io.BytesIO(b"".join(packing.packed(tmp_path / "file", "file", print)))
    (entry,) = members(made)
    assert (entry.uid, entry.gid, entry.uname, entry.gname) == (0, 0, "", "")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="gone"):
        list(packing.packed(tmp_path / "gone", "gone", print))


OUTSIDE = {
    "dots": (("x", None), ("x/../../victim", b"bad")),
    "absolute": (("/victim", b"bad"),),
    "other root": (("x", None), ("victim", b"bad")),
    "absolute link": (("x", None), ("x/link", "->/"), ("x/link/victim", b"bad")),
    "link up": (("x", None), ("x/link", "->../.."), ("x/link/victim", b"bad")),
    "link over a directory": (("x", None), ("x/d", None), ("x/d", "->../.."), ("x/d/victim", b"bad")),
    "link at the top": (("x", "->.."), ("x/victim", b"bad")),
    "link in two steps": (("x", None), ("x/a", None), ("x/a/b", "->.."), ("x/a/b/c", "->../.."), ("x/a/b/c/victim", b"bad")),
    "hard link": (("x", None), ("x/link", "=>../victim"), ("x/link", b"bad")),
    "hard link to a link": (("x", None), ("x/one", "->../../victim"), ("x/two", "=>x/one"), ("x/two", b"bad")),
    "device": (("x", None), ("x/device", "!")),
    "long link": (("x", None), ("x/" + "d" * 200, None), ("x/link", "->" + ("d" * 200 + "/../") * 25 + "../../victim"),
                  ("x/link", b"replaced")),
}  # fmt: skip


@pytest.mark.parametrize("name", ["", "x", "renamed"])
@pytest.mark.parametrize("case", OUTSIDE)
def test_nothing_lands_outside(tmp_path: Path, case: str, name: str) -> None:
    victim = tmp_path / "victim"
    victim.write_text("good")
    base = tmp_path / "base"
    base.mkdir()
    refused = unpack(archive(*OUTSIDE[case]), base, name)
    assert refused or case == "long link", "nothing was left out"
    assert victim.read_text() == "good"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["base", "victim"]
    assert not Path("/victim").exists()
    for path in base.rglob("*"):
        assert path.is_symlink() or stat.S_ISREG(path.lstat().st_mode) or path.is_dir()
        assert (
            not path.is_file()
            or path.is_symlink()
            or path.stat().st_nlink == 1
            or path.stat().st_ino != victim.stat().st_ino
        )


def test_links_that_were_here_before_are_not_followed(tmp_path: Path) -> None:
    base, elsewhere = tmp_path / "base", tmp_path / "elsewhere"
    base.mkdir()
    elsewhere.mkdir()
    (base / "directory").symlink_to(elsewhere)
    (elsewhere / "precious").write_text("good")
    (base / "file").symlink_to(elsewhere / "precious")
    refused = unpack(archive((".", None), ("directory/new", b"bad"), ("file", b"new")), base)
    assert len(refused) == 2
    assert [path.name for path in elsewhere.iterdir()] == ["precious"]
    assert (elsewhere / "precious").read_text() == "good"


def test_hard_links_reach_only_files_of_the_archive(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("good")
    refused = unpack(archive((".", None), ("a", b"1"), ("b", "=>a"), ("c", "=>mine")), tmp_path)
    assert len(refused) == 1
    assert (tmp_path / "b").stat().st_ino == (tmp_path / "a").stat().st_ino
    assert not (tmp_path / "c").exists()


def test_set_user_id_is_taken_away_and_directories_stay_usable(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as made:
        for name, mode, kind in (("d", 0, tarfile.DIRTYPE), ("d/f", 0o6777, tarfile.REGTYPE)):
            entry = tarfile.TarInfo(name)
            entry.mode, entry.type, entry.uid = mode, kind, 1234
            made.addfile(entry)
    buffer.seek(0)
    assert unpack(buffer, tmp_path, "d") == []
    status = (tmp_path / "d" / "f").stat()
    assert not status.st_mode & (stat.S_ISUID | stat.S_ISGID | stat.S_IWOTH)
    assert status.st_uid == os.geteuid()


def test_names_cannot_speak_to_the_terminal(tmp_path: Path) -> None:
    (sentence,) = unpack(archive(("x", None), ("x/\x1b[31mred", "!")), tmp_path)
    assert "\x1b" not in sentence


@pytest.mark.parametrize("data", [b"no tar at all" * 99, archive(("x", b"y" * 5000)).getvalue()[:2000]])
def test_what_is_no_archive_is_said(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(Failure, match="archive"):
        unpack(io.BytesIO(data), tmp_path)


@pytest.mark.parametrize(
    ("text", "place", "name"),
    [
        ("web:/etc/hosts", archives.Place("/etc/hosts", "web"), "hosts"),
        ("web:.", archives.Place(".", "web"), ""),
        ("/etc/a:b", archives.Place("/etc/a:b"), "a:b"),
        ("./a:b", archives.Place("./a:b"), "a:b"),
        ("-", archives.Place("-"), "-"),
        ("file", archives.Place("file"), "file"),
        ("web:", archives.Place("web:"), "web:"),
    ],
)
def test_places(text: str, place: archives.Place, name: str) -> None:
    assert archives.parse_place(text) == place
    assert place.name == name
