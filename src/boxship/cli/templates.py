"""Templates and environments of this host, with the files that they refer to, as the orchestration service takes them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from boxship.cli.failure import Failure


def body(template: Path, environments: Iterable[Path], parameters: Iterable[str]) -> dict[str, Any]:
    """The request for a stack of this template. Failure: a file cannot be read, is none, or a parameter is not ``KEY=VALUE``."""
    import openstack.exceptions
    from openstack.orchestration.util import template_utils

    try:
        files, document = template_utils.get_template_contents(template_file=str(template))
        more, environment = template_utils.process_multiple_environments_and_files([str(path) for path in environments])
    except (openstack.exceptions.SDKException, OSError, ValueError) as error:
        raise Failure(f"{template}: {error}") from error
    return {
        "template": document,
        "environment": environment,
        "files": {**files, **more},
        "parameters": dict(_parameter(given) for given in parameters),
    }


def _parameter(given: str) -> tuple[str, str]:
    name, separator, value = given.partition("=")
    if not separator or not name:
        raise Failure(f"A parameter is given as KEY=VALUE, and {given!r} is not.")
    return name, value
