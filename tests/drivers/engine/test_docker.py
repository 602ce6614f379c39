"""The pure parts of the Docker driver as tables: names, messages, frames, files, hardening."""

from __future__ import annotations

import struct
from datetime import UTC, datetime
from pathlib import Path

import pytest

from boxship.core.errors import Busy, Refused
from boxship.drivers.engine import files, hardening
from boxship.drivers.engine import reference as references
from boxship.drivers.engine.connection import reason
from boxship.drivers.engine.docker import containers, images
from boxship.drivers.engine.docker.frames import unframed
from boxship.drivers.engine.interface import ContainerSpec, InjectedFile
from tests.conformance.host import pieces

DIGEST = "sha256:" + "0a" * 32


@pytest.mark.parametrize(
    "reference",
    [
        "busybox",
        "busybox:latest",
        "library/busybox:1.36",
        "127.0.0.1:5000/a/b-c__d.e:v1_2.3",
        "Registry.Example.org/team/image",
        DIGEST,
        f"busybox@{DIGEST}",
        f"busybox:1@{DIGEST}",
    ],
)
def test_names_of_images(reference: str) -> None:
    assert references.is_one(reference)


@pytest.mark.parametrize(
    "reference",
    [
        "",
        ".",
        "..",
        "a/..",
        "a/../b",
        "../a",
        "/a",
        "a/",
        "a//b",
        "A/b:",
        "a:b:c",
        "a b",
        "a\n",
        "a?b",
        "a#b",
        "a%2e",
        "a" * 400,
    ],
)
def test_what_names_no_image(reference: str) -> None:
    assert not references.is_one(reference)


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (
            'failed to create shim: OCI runtime create failed: runc create failed: unable to start container process: exec: "x": '
            "executable file not found in $PATH: unknown",
            'The container could not be started: "x": executable file not found in $PATH.',
        ),
        (
            "OCI runtime create failed: error during container init: error mounting: no such directory: unknown",
            "The container could not be started: error mounting: no such directory.",
        ),
        ("invalid hostname.", "The engine refuses: invalid hostname."),
    ],
)
def test_the_reason_in_the_users_words(said: str, sentence: str) -> None:
    assert reason(said) == sentence


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ("manifest for x:1 not found: manifest unknown", Refused),
        ("pull access denied for x", Refused),
        ("unauthorized: authentication required", Refused),
        ("dial tcp 127.0.0.1:1: connect: connection refused", Busy),
        ("net/http: TLS handshake timeout", Busy),
    ],
)
def test_why_an_image_was_not_pulled(said: str, error: type[Exception]) -> None:
    assert type(images._pull_failure("x:1", said)) is error


def frame(stream: int, content: bytes) -> bytes:
    return struct.pack(">BxxxI", stream, len(content)) + content


@pytest.mark.parametrize(
    ("raw", "content"),
    [
        (b"", b""),
        (frame(1, b"out") + frame(2, b"err"), b"outerr"),
        (frame(1, b"out") + frame(1, b"cut off")[:-3], b"outcut "),
        (frame(1, b"out") + b"\x01\x00\x00", b"out"),
        (frame(1, b""), b""),
    ],
)
@pytest.mark.parametrize("size", [1, 3, 1000])
async def test_frames(raw: bytes, content: bytes, size: int) -> None:
    assert b"".join([part async for part in unframed(pieces(raw, size))]) == content


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        (None, None),
        ("", None),
        ("0001-01-01T00:00:00Z", None),
        ("2026-01-02T03:04:05Z", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2026-01-02T03:04:05.123456789Z", datetime(2026, 1, 2, 3, 4, 5, 123456, tzinfo=UTC)),
        ("2026-01-02T03:04:05.12Z", datetime(2026, 1, 2, 3, 4, 5, 120000, tzinfo=UTC)),
        ("2026-01-02T05:04:05+02:00", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
    ],
)
def test_moments(text: str | None, moment: datetime | None) -> None:
    assert containers._moment(text) == moment


def test_files_are_roots_alone_outside_and_everybodys_inside(tmp_path: Path) -> None:
    spec = ContainerSpec("c", "i", Path("/s"), files=(InjectedFile("/a", b"1"),), hosts=(("10.0.0.5", "web"),))
    binds = files.write(spec, tmp_path / "c")
    assert (tmp_path / "c").stat().st_mode & 0o777 == 0o700
    assert [bind.target for bind in binds] == ["/etc/hosts", "/etc/resolv.conf", "/a"]
    assert all(bind.read_only and bind.source.stat().st_mode & 0o777 == 0o644 for bind in binds)
    assert "10.0.0.5 web\n" in binds[0].source.read_text()
    assert binds[2].source.read_bytes() == b"1"
    files.remove(tmp_path / "c")
    files.remove(tmp_path / "c")
    assert not (tmp_path / "c").exists()


def test_hardening() -> None:
    plain, privileged = hardening.host_config(privileged=False), hardening.host_config(privileged=True)
    for config in (plain, privileged):
        assert (config["CapDrop"], config["Privileged"], config["PidsLimit"]) == (["ALL"], False, 4096)
    assert plain["SecurityOpt"] == ["no-new-privileges"]
    assert not {"SYS_ADMIN", "NET_ADMIN", "MKNOD", "SYS_PTRACE", "SYS_MODULE"} & set(plain["CapAdd"])
    assert set(privileged["CapAdd"]) == set(hardening.bounding_set())
