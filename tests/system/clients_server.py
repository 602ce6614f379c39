"""Runs in the clients' environment: reads command lines as JSON from stdin, runs each through openstackclient's own entry
point in a forked process, and writes how it ended as JSON to stdout."""

import contextlib
import importlib
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

shell = importlib.import_module("openstackclient.shell")

# Loaded before the first fork, so that no command has to; a module that a release lacks is loaded when it is needed.
_WARM = (
    *(
        "openstack.connection",
        "keystoneauth1.loading",
        "openstackclient.identity.client",
        "openstackclient.image.client",
    ),
    *("openstackclient.network.client", "openstackclient.volume.client", "zunclient.osc.plugin"),
    *("zunclient.osc.v1.containers", "zunclient.v1.client", "openstackclient.network.v2.network", "prettytable"),
    *("openstackclient.image.v2.image", "openstackclient.volume.v3.volume", "cliff.formatters.json_format"),
)


def main() -> None:
    for name in _WARM:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    for line in sys.stdin:
        order = json.loads(line)
        sys.stdout.write(json.dumps(_ended(order["words"], order["environment"])) + "\n")
        sys.stdout.flush()


def _ended(words: list[str], environment: dict[str, str]) -> dict[str, Any]:
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors, Path(os.devnull).open() as nothing:
        child = os.fork()
        if child == 0:
            os.dup2(nothing.fileno(), 0)
            os.dup2(output.fileno(), 1)
            os.dup2(errors.fileno(), 2)
            os.environ.update(environment)
            # Whatever happens in there, the child must not come back to the server's loop.
            try:
                os._exit(_code(words))
            finally:
                os._exit(70)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        texts = []
        for file in (output, errors):
            file.seek(0)
            texts.append(file.read().decode(errors="replace"))
    return {"code": code, "output": texts[0], "errors": texts[1]}


def _code(words: list[str]) -> int:
    try:
        code = shell.main(words) or 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    sys.stdout.flush()
    sys.stderr.flush()
    return int(code)


main()
