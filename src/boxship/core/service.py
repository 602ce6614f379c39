"""What a service tells the program about itself: one value, made in the service's ``__init__`` or ``app.py``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from boxship.core.auth.rules import Rule
from boxship.core.http.dialects import Dialect
from boxship.core.http.microversions import Microversions
from boxship.core.http.routes import Route
from boxship.core.http.websocket import Handler as WebSocketHandler
from boxship.core.reconcile.loop import Reconciler, Watcher


@dataclass(frozen=True, slots=True)
class Service:
    """A service of the cloud.

    ``types`` are its names in the catalog, the official one first. ``prefix`` is the first segment of all its paths and
    ``endpoint`` the path that the catalog gives (``%(project_id)s`` is filled in). ``live`` is handed to handlers.
    ``preparations`` are awaited before the first request is answered. ``sockets`` serve WebSockets, by their path behind
    the prefix; each knows by itself whom it lets in.
    """

    types: tuple[str, ...]
    name: str
    prefix: str
    endpoint: str
    dialect: Dialect
    routes: Sequence[Route]
    rules: Sequence[Rule]
    microversions: Microversions | None = None
    reconcilers: Sequence[Reconciler] = ()
    watchers: Sequence[Watcher] = ()
    preparations: Sequence[Callable[[], Awaitable[None]]] = ()
    live: Any = None
    sockets: Mapping[str, WebSocketHandler] = field(default_factory=dict)
