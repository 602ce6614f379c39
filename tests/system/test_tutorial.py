"""docs/tutorial.md as a reader would type it: every block of commands, in one shell, against a running cloud with real
Docker; and what the text says it prints."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.system.clients import PYTHON, ROOT
from tests.system.installation import Installation

TUTORIAL = ROOT / "docs" / "tutorial.md"
_END = "boxship-tutorial-end-of-block"


@dataclass(frozen=True, slots=True)
class Block:
    """Commands, the line they stand at, and the lines that the text promises; ``...`` stands for anything."""

    line: int
    commands: str
    promised: tuple[str, ...] = ()


def blocks(text: str) -> list[Block]:
    """The blocks marked ``sh``, but for those marked ``sh not-run``; a following ``text`` block is what they print."""
    found: list[Block] = []
    for fence in re.finditer(r"^```(\S+)([^\n]*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        kind, mark, content = fence[1], fence[2].strip(), fence[3]
        assert kind in {"sh", "text"}, f"a block of {kind} is neither run nor printed"
        assert mark in {"", "not-run"}, f"unknown mark {mark}"
        if kind == "text":
            assert found and not found[-1].promised, "a block of text follows no commands"
            found[-1] = Block(found[-1].line, found[-1].commands, tuple(content.splitlines()))
        elif mark != "not-run":
            found.append(Block(text.count("\n", 0, fence.start()) + 1, content))
    return found


def missing(promised: tuple[str, ...], printed: str) -> str | None:
    """The first promised line that is not in what was printed after the ones before it."""
    lines = iter(printed.splitlines())
    for promise in promised:
        pattern = ".*".join(re.escape(part) for part in re.split(r"\s*\.\.\.\s*", promise))
        if not any(re.search(pattern, line) for line in lines):
            return promise
    return None


@pytest.mark.system
@pytest.mark.xdist_group("system")
@pytest.mark.timeout(900)
def test_the_tutorial_does_what_it_says(cloud: Installation, tmp_path: Path) -> None:
    parts = blocks(TUTORIAL.read_text())
    script = "set -euo pipefail\n" + "".join(f"{block.commands}\necho {_END}; echo {_END} >&2\n" for block in parts)
    inherited = {name: value for name, value in cloud.environment.items() if not name.startswith("OS_")}
    path = f"{Path(sys.executable).parent}:{PYTHON.parent}:{os.environ['PATH']}"
    (tmp_path / "tutorial.sh").write_text(script)
    done = subprocess.run(
        ["bash", tmp_path / "tutorial.sh"],
        env={**inherited, "PATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=800,
    )
    printed = done.stdout.split(f"{_END}\n")
    if done.returncode != 0:
        failed = parts[len(printed) - 1]
        complaint = done.stderr.split(f"{_END}\n")[-1]
        pytest.fail(f"{TUTORIAL.name}:{failed.line} ended with {done.returncode}:\n{failed.commands}\n{complaint}")
    for block, output in zip(parts, printed, strict=False):
        promise = missing(block.promised, output)
        assert promise is None, f"{TUTORIAL.name}:{block.line} does not print {promise!r} but:\n{output}"


def test_a_broken_promise_is_seen() -> None:
    text = "```sh\necho a\n```\n\n```text\na ... z\nb\n```\n```sh not-run\nrm x\n```\n"
    (block,) = blocks(text)
    assert block == Block(1, "echo a\n", ("a ... z", "b"))
    assert missing(block.promised, "x\nabcz\nb\n") is None
    assert missing(block.promised, "b\na z\n") == "b"
    assert missing(block.promised, "a\nb\n") == "a ... z"
