"""Turns the stream of a test run (subunit v2, standard input) into a line of JSON per ended test; decides nothing.

Runs in Tempest's environment, which has the library, as a program of its own.
"""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any


def main() -> None:
    """Copy until the stream ends."""
    # By name, as Boxship's own environment, in which the types are checked, has neither.
    subunit: Any = importlib.import_module("subunit")
    testtools: Any = importlib.import_module("testtools")
    result = testtools.StreamToDict(_write)
    result.startTestRun()
    subunit.ByteStreamToStreamResult(sys.stdin.buffer, non_subunit_name="stray").run(result)
    result.stopTestRun()


def _write(test: dict[str, Any]) -> None:
    began, ended = test["timestamps"]
    texts = {name: content.as_text() for name, content in test["details"].items() if name != "stray"}
    said = texts.get("reason") or "\n".join(text for name, text in texts.items() if name.startswith("traceback"))
    seconds = (ended - began).total_seconds() if began and ended else 0.0
    line = {"id": test["id"], "status": test["status"], "seconds": seconds, "said": said}
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
