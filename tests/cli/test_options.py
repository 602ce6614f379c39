"""What the options of `run` mean, and what is printed how; tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import pytest

from boxship.cli import logs, output, terminal, wish
from boxship.cli.tenant import PublishedPort
from boxship.cli.wish import NetworkWish, VolumeWish


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5:/data", VolumeWish("", "/data", 5)),
        ("data:/data", VolumeWish("data", "/data", 1)),
        ("data:/a/b:20", VolumeWish("data", "/a/b", 20)),
        ("data", None),
        (":/data", None),
        ("data:data", None),
        ("data:/data:0", None),
        ("data:/data:x", None),
        ("data:/data:1:2", None),
    ],
)
def test_volume(text: str, expected: VolumeWish | None) -> None:
    if expected is None:
        with pytest.raises(click.UsageError, match="NAME:PATH"):
            wish.parse_volume(text)
    else:
        assert wish.parse_volume(text) == expected


@pytest.mark.parametrize(
    ("text", "port"),
    [
        ("80", PublishedPort(80, "tcp")),
        ("53/udp", PublishedPort(53, "udp")),
        ("80:80", PublishedPort(80, "tcp")),
        ("80:80/tcp", PublishedPort(80, "tcp")),
        ("8080:80", None),
        ("0", None),
        ("65536", None),
        ("http", None),
        ("80/sctp", None),
        ("-1", None),
    ],
)
def test_publish(text: str, port: PublishedPort | None) -> None:
    if port is None:
        with pytest.raises(click.UsageError, match="--publish"):
            wish.parse_port(text)
    else:
        assert wish.parse_port(text) == port


def options(*words: str) -> dict[str, Any]:
    """The options of ``run`` as click makes them of these words."""
    command = click.Command("run", params=wish.options(lambda: None).__click_params__[::-1])  # type: ignore[attr-defined]
    return dict(command.make_context("run", list(words)).params)


def test_only_what_is_given_is_asked_for() -> None:
    assert wish.request_body("busybox", (), options()) == {"image": "busybox"}


def test_what_is_given_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "some.env").write_text("# the rest\nFILE=1\n\nA=overridden\n")
    monkeypatch.setenv("HERE", "value")
    monkeypatch.delenv("NOWHERE", raising=False)
    words = [
        *("-it", "--rm", "-e", "A=1", "-e", "B=x=y", "-e", "C=", "-e", "HERE", "-e", "NOWHERE"),
        *("--env-file", str(tmp_path / "some.env"), "-l", "tier=web", "-l", "flag", "-w", "/srv", "--hostname", "box"),
        *("--entrypoint", "/bin/tini", "--cpus", "0.5", "-m", "1g", "--disk", "2", "--security-group", "web"),
        *("--restart", "on-failure:3", "--auto-heal", "--health-cmd", "true", "--health-interval", "5"),
        *(
            "--pull",
            "missing",
            "--registry",
            "own",
            "--runtime",
            "kata",
            "--zone",
            "nova",
            "--host",
            "h1",
            "--privileged",
        ),
    ]
    assert wish.request_body("busybox", ("--", "sh", "-c", "echo --"), options(*words)) == {
        "image": "busybox",
        "command": ["sh", "-c", "echo --"],
        "entrypoint": ["/bin/tini"],
        "environment": {"FILE": "1", "A": "1", "B": "x=y", "C": "", "HERE": "value"},
        "labels": {"tier": "web", "flag": ""},
        "workdir": "/srv",
        "hostname": "box",
        "memory": 1024,
        "cpu": 0.5,
        "disk": 2,
        "interactive": True,
        "tty": True,
        "auto_remove": True,
        "auto_heal": True,
        "privileged": True,
        "restart_policy": {"Name": "on-failure", "MaximumRetryCount": "3"},
        "healthcheck": {"cmd": "true", "interval": 5},
        "image_pull_policy": "ifnotpresent",
        "registry": "own",
        "runtime": "kata",
        "availability_zone": "nova",
        "host": "h1",
        "security_groups": ["web"],
    }


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("-m", "much"), "no amount of memory"),
        (("-m", "0"), "no amount of memory"),
        (("-e", "=1"), "NAME=VALUE"),
        (("--restart", "sometimes"), "--restart"),
        (("--restart", "always:3"), "--restart"),
        (("--health-retries", "3"), "--health-cmd"),
        (("--detach-keys", "ctrl-"), "no key"),
        (("--detach-keys", "two"), "no key"),
    ],
)
def test_what_is_wrong_is_named(words: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(click.UsageError, match=sentence):
        wish.request_body("busybox", (), options(*words))


@pytest.mark.parametrize(
    ("names", "address", "expected"),
    [
        ((), None, []),
        ((), "10.0.0.9", [NetworkWish("", "10.0.0.9")]),
        (("a", "b:10.1.0.9"), None, [NetworkWish("a"), NetworkWish("b", "10.1.0.9")]),
        (("a", "b:fd00::9"), "10.0.0.9", [NetworkWish("a", "10.0.0.9"), NetworkWish("b", "fd00::9")]),
        (("a:10.0.0.8",), "10.0.0.9", None),
    ],
)
def test_networks(names: tuple[str, ...], address: str | None, expected: list[NetworkWish] | None) -> None:
    if expected is None:
        with pytest.raises(click.UsageError, match="--ip"):
            wish.parse_networks(names, address)
    else:
        assert wish.parse_networks(names, address) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10m", 1_000_000 - 600),
        ("1d2h3m4s", 1_000_000 - 86400 - 7200 - 180 - 4),
        ("1763870400", 1763870400),
        ("2025-11-23T04:00:00Z", 1763870400),
        ("2025-11-23T05:00:00+01:00", 1763870400),
        ("2025-11-23 04:00:00", 1763870400),
        ("yesterday", None),
        ("10m!", None),
        ("", None),
    ],
)
def test_since(text: str, expected: float | None) -> None:
    if expected is None:
        with pytest.raises(click.UsageError, match="--since"):
            logs.parse_since(text, 1_000_000)
    else:
        assert logs.parse_since(text, 1_000_000) == expected


def test_lines_of_several_logs_are_whole() -> None:
    assert list(logs.lines([b"one\ntw", b"", b"o\n\nthr", b"ee"])) == [b"one\n", b"two\n", b"\n", b"three\n"]
    prefixes = logs.prefix_all(["web", "worker", "web"])
    assert prefixes == {"web": b"web    | ", "worker": b"worker | "}, "no colours where there is no terminal"
    assert logs.prefix_all(["web"]) == {"web": b""}


@pytest.mark.parametrize(
    ("typed", "passed", "let_go"),
    [
        ([b"ls\r"], b"ls\r", False),
        ([b"\x10\x11"], b"", True),
        ([b"a\x10", b"\x11b"], b"a", True),
        ([b"\x10", b"x"], b"\x10x", False),
        ([b"\x10\x10", b"\x11"], b"\x10", True),
        ([b"\x10"], b"", False),
        ([b"\x11\x10"], b"\x11", False),
    ],
)
def test_detach_keys(typed: list[bytes], passed: bytes, let_go: bool) -> None:
    keys = terminal.Keys(terminal.parse_keys(terminal.DETACH_KEYS))
    results = [keys.feed(part) for part in typed]
    assert b"".join(result[0] for result in results) == passed
    assert results[-1][1] is let_go


def test_other_detach_keys() -> None:
    assert terminal.parse_keys("ctrl-],q,ctrl-@") == b"\x1dq\0"
    assert terminal.Keys(terminal.parse_keys("none")).feed(b"\x10\x11") == (b"\x10\x11", False)


def test_a_table_has_aligned_columns_and_no_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"name": "a\x1b[31m", "ips": ["10.0.0.1", "10.0.0.2"]}, {"name": "longer", "ips": []}]
    output.rows("table", rows, ["name", "ips"])
    assert capsys.readouterr().out.splitlines() == ["NAME    IPS", "a?[31m  10.0.0.1, 10.0.0.2", "longer  -"]
    output.rows("json", rows, ["name"])
    assert json.loads(capsys.readouterr().out) == rows
