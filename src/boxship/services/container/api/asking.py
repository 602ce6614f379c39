"""What handlers share: the container that a path names, and the words of a query."""

from __future__ import annotations

from typing import Any

from boxship.core import errors
from boxship.core.http import call as http
from boxship.core.http.call import Call, Query
from boxship.core.http.microversions import Version
from boxship.services.container import live, model, operations

ContainerCall = Call[live.ContainerLive]


async def found(call: ContainerCall, everywhere_rule: str | None = None) -> model.Container:
    everywhere = everywhere_rule is not None and all_projects(call, everywhere_rule)
    name = call.parameters["container"]
    return await operations.find(call.transaction, call.caller, name, all_projects=everywhere)


def all_projects(call: ContainerCall, rule: str) -> bool:
    if not call.query.flag("all_projects"):
        return False
    call.caller.require(rule)
    return True


def timeout(call: ContainerCall) -> int:
    timeout = call.query.number("timeout", most=3600)
    return 10 if timeout is None else timeout


def since(call: Call[Any], field: str, version: str) -> None:
    if call.version < Version.parse(version):
        raise errors.BadRequest(f"it is known from version {version} on", field=field)


def join_body(call: Call[Any], known: set[str]) -> None:
    """Take a JSON object in the body of an action into the query, as Zun's framework does, and check all names.

    Where both name the same, the query counts. BadRequest: an unknown name, or a value that is no text, number or boolean.
    """
    given = http.decode(call.body, dict[str, str | bool | int | float | None]) if call.body.strip() else {}
    words = [
        (name, str(value).lower() if isinstance(value, bool) else str(value))
        for name, value in given.items()
        if value is not None and call.query.one(name) is None
    ]
    call.query = Query((*words, *call.query.pairs))
    check_query(call, known)


def check_query(call: Call[Any], known: set[str]) -> None:
    unknown = sorted({name for name, _ in call.query.pairs} - known)
    if unknown:
        raise errors.BadRequest(f"Unknown parameters: {', '.join(unknown)}", field=unknown[0])
