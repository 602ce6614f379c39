"""What the options of `run` mean, and what is printed how; tables."""

from __future__ import annotations

import json
from typing import Any

import click
import pytest

from boxship.cli import output, run
from boxship.cli.run import VolumeWish
from boxship.cli.tenant import PublishedPort


@pytest.mark.parametrize(
    ("text", "wish"),
    [
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
def test_volume(text: str, wish: VolumeWish | None) -> None:
    if wish is None:
        with pytest.raises(click.UsageError, match="NAME:PATH"):
            run.parse_volume(text)
    else:
        assert run.parse_volume(text) == wish


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
            run.parse_port(text)
    else:
        assert run.parse_port(text) == port


def test_only_what_is_given_is_asked_for() -> None:
    nothing: dict[str, Any] = dict.fromkeys(("name", "memory", "cpus"))
    nothing |= {"environment": (), "interactive": False, "auto_remove": False}
    assert run.request_body("busybox", (), nothing) == {
        "image": "busybox",
        "interactive": False,
        "auto_remove": False,
        "labels": {},
    }
    given = {**nothing, "environment": ("A=1", "B=x=y", "C="), "memory": 64}
    body = run.request_body("busybox", ("--", "sh", "-c", "echo --"), given)
    assert body["environment"] == {"A": "1", "B": "x=y", "C": ""}
    assert body["command"] == ["sh", "-c", "echo --"]
    assert body["memory"] == 64


def test_a_table_has_aligned_columns_and_no_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"name": "a\x1b[31m", "ips": ["10.0.0.1", "10.0.0.2"]}, {"name": "longer", "ips": []}]
    output.rows("table", rows, ["name", "ips"])
    assert capsys.readouterr().out.splitlines() == ["NAME    IPS", "a?[31m  10.0.0.1, 10.0.0.2", "longer  -"]
    output.rows("json", rows, ["name"])
    assert json.loads(capsys.readouterr().out) == rows
