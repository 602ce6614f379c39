"""What may stand in no file of the repository, whatever its kind, and what every repository file must be."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.architecture.source import ROOT, assert_none

REGISTRIES = (
    "pypi" + ".org",
    "files.python" + "hosted.org",
    "registry." + "npmjs.org",
    "deb" + ".debian.org",
    "proxy.golang" + ".org",
)
"""Hosts of package registries: versions are pinned by name and number, never by address."""

SECRET = re.compile(r"-----BEGIN [A-Z ]*PRIVATE" + r" KEY-----")
LARGEST = 1 << 20


def complaints(name: str, content: bytes) -> Iterable[str]:
    """What is wrong with a file of the repository."""
    if len(content) > LARGEST:
        yield f"{name}: {len(content)} bytes; large files do not belong here"
    text = content.decode("utf-8", "replace")
    for registry in REGISTRIES:
        if registry in text:
            yield f"{name}: names the registry host {registry}"
    if re.search(r"^(-i|--(extra-)?index-url|--find-links)\b", text, re.MULTILINE):
        yield f"{name}: chooses where packages come from; that is for the environment to say"
    if SECRET.search(text):
        yield f"{name}: holds a private key"
    if "\r\n" in text:
        yield f"{name}: has Windows line ends"
    if text and not text.endswith("\n"):
        yield f"{name}: does not end with a line end"


def tracked() -> list[str]:
    """The files that git knows; in an unpacked archive without git, all but those made by running it."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return [name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]
    made = {".venv", ".venvs", ".cache", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis"}
    files = (file.relative_to(ROOT) for file in ROOT.rglob("*") if file.is_file())
    return [str(file) for file in files if not made & set(file.parts)]


def test_no_file_holds_what_none_may() -> None:
    assert_none(line for name in tracked() for line in complaints(name, (ROOT / name).read_bytes()))


@pytest.mark.parametrize("name", ["constraints.txt", "constraints-clients.txt", "constraints-tempest.txt"])
def test_constraints_are_names_and_versions_in_order(name: str) -> None:
    lines = [line for line in (ROOT / name).read_text().splitlines() if not line.startswith("#")]
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.+!]*", line)] == []
    names = [re.sub(r"[-_.]+", "-", line.partition("==")[0]).lower() for line in lines]
    assert names == sorted(set(names))


def test_every_dependency_is_pinned() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["test"]]
    names = {re.sub(r"[-_.]+", "-", re.split(r"[\[<>=~! ;]", line)[0]).lower() for line in wanted}
    pinned = {line.partition("==")[0].lower().replace("_", "-").replace(".", "-") for line in _lines("constraints.txt")}
    assert names - pinned == set()


def _lines(name: str) -> list[str]:
    return [line for line in (ROOT / name).read_text().splitlines() if "==" in line]


@pytest.mark.parametrize(
    "name", ["Makefile", "scripts/bootstrap", "scripts/test", "scripts/clients", "scripts/tempest", ".ci/run"]
)
def test_the_commands_are_there(name: str) -> None:
    path = ROOT / name
    assert path.is_file()
    assert name == "Makefile" or path.stat().st_mode & 0o111


def test_ci_runs_what_everybody_runs() -> None:
    commands = [line for line in _code(ROOT / ".ci" / "run") if not line.startswith(("set ", "cd "))]
    assert commands == ["exec make test </dev/null"]


def _code(path: Path) -> list[str]:
    return [line for line in path.read_text().splitlines() if line and not line.startswith("#")]


FAILING = [
    b"see https://" + REGISTRIES[0].encode() + b"/simple\n",
    b"--index-url https://example.org/simple\nx==1\n",
    b"-----BEGIN RSA PRIVATE" + b" KEY-----\n",
    b"a\r\n",
    b"no line end",
    b"x\n" * LARGEST,
]


@pytest.mark.parametrize("content", FAILING, ids=range(len(FAILING)))
def test_each_check_can_fail(content: bytes) -> None:
    assert len(list(complaints("file", content))) == 1


def test_a_plain_file_passes() -> None:
    assert list(complaints("file", b"pin by name==1.0\n")) == []
