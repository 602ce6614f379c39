"""The route table and its lookup: a tree of path segments, so that the cost of a request does not grow with the
number of routes. Knows nothing of what handlers do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from boxship.core import errors
from boxship.core.http.microversions import Version

if TYPE_CHECKING:
    from boxship.core.http.call import Call, Reply

Handler = Callable[["Call[Any]"], Awaitable["Reply"]]

PUBLIC = ""
"""The rule of a route that needs no token: discovery and the making of tokens."""


@dataclass(frozen=True, slots=True)
class Route:
    """One row: ``path`` like ``/v1/containers/{container}``, ``rule`` the policy that guards it.

    ``since`` and ``until`` are microversions, both included. ``live`` routes get no transaction, because they wait for
    the world; they open short ones themselves. ``stream`` routes read their body themselves. ``writes`` overrides what
    the method says (a POST that only reads).
    """

    method: str
    path: str
    handler: Handler
    rule: str
    since: Version | None = None
    until: Version | None = None
    live: bool = False
    stream: bool = False
    writes: bool | None = None

    @property
    def is_write(self) -> bool:
        return self.writes if self.writes is not None else self.method not in {"GET", "HEAD"}

    def serves(self, version: Version) -> bool:
        return (self.since is None or version >= self.since) and (self.until is None or version <= self.until)


@dataclass(slots=True)
class _Node:
    fixed: dict[str, _Node] = field(default_factory=dict)
    parameter: _Node | None = None
    routes: dict[str, list[tuple[Route, tuple[str, ...]]]] = field(default_factory=dict)


class RouteTree:
    """Finds the route of a method and path. Doubled and trailing slashes do not count."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root = _Node()
        for route in routes:
            self._insert(route)

    def _insert(self, route: Route) -> None:
        node = self._root
        names = []
        for segment in _segments(route.path):
            if segment.startswith("{"):
                names.append(segment.strip("{}"))
                node.parameter = node.parameter or _Node()
                node = node.parameter
            else:
                node = node.fixed.setdefault(segment, _Node())
        node.routes.setdefault(route.method, []).append((route, tuple(names)))

    def find(self, method: str, segments: list[str], version: Version) -> tuple[Route, dict[str, str]]:
        """The route of a path, given as its unquoted segments, and its parameters.

        NotFound: no such path, or not in this version. MethodNotAllowed: the path has other methods.
        """
        found = _descend(self._root, segments, 0, ())
        if found is None:
            raise errors.NotFound("The resource could not be found.")
        node, values = found
        candidates = node.routes.get(method) or (node.routes.get("GET") if method == "HEAD" else None)
        if candidates is None:
            raise errors.MethodNotAllowed(f"The method {method} is not allowed for this resource.")
        for route, names in candidates:
            if route.serves(version):
                return route, dict(zip(names, values, strict=True))
        raise errors.NotFound(f"The resource does not exist in version {version} of the API.")


def _segments(path: str) -> list[str]:
    return [segment for segment in path.split("/") if segment]


def _descend(
    node: _Node, segments: list[str], at: int, values: tuple[str, ...]
) -> tuple[_Node, tuple[str, ...]] | None:
    """Fixed segments win over parameters; there is at most one way back per segment."""
    if at == len(segments):
        return (node, values) if node.routes else None
    fixed = node.fixed.get(segments[at])
    found = _descend(fixed, segments, at + 1, values) if fixed else None
    if found is None and node.parameter:
        found = _descend(node.parameter, segments, at + 1, (*values, segments[at]))
    return found
