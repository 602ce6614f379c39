"""Everything that can go wrong, as one tree; it knows no service and no wire format.

    BoxshipError                     has a sentence for the user and, apart from it, a detail for the log
    ├── RequestError                 the caller's doing: answered with its status, in the service's dialect
    │   ├── BadRequest         400   names the field and the reason
    │   ├── Unauthorized       401
    │   ├── Forbidden          403   a rule or a quota says no
    │   │   └── OverQuota            each dialect knows its own status for it
    │   ├── NotFound           404
    │   ├── MethodNotAllowed   405
    │   ├── NotAcceptable      406   a microversion that does not exist
    │   ├── Conflict           409   the state does not allow it
    │   ├── TooLarge           413
    │   ├── UnsupportedMedia   415
    │   └── Unavailable        503   the world below is away; try again
    │       └── Elsewhere            another host has what is asked for; the server passes the request on
    └── DriverError                  the world's doing: read by reconcilers, which know three cases only
        ├── Absent                   what was named is not there: look again
        ├── Busy                     try later: backoff, then a deadline
        └── Refused                  it will never work like this: state Error with the reason

Services subclass the leaves in their ``errors.py`` and give each its sentence.
"""

from __future__ import annotations

import re


class BoxshipError(Exception):
    """The root: ``sentence`` is for the user, ``detail`` for the log only."""

    def __init__(self, sentence: str, *, detail: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.detail = detail


class RequestError(BoxshipError):
    """The request cannot be served; ``status`` is the HTTP status of the answer."""

    status = 500
    title = "Internal Server Error"


class BadRequest(RequestError):
    """The request is malformed; ``field`` names the part of it that is (dotted path, empty: the whole)."""

    status = 400
    title = "Bad Request"

    def __init__(self, sentence: str, *, field: str = "", detail: str = "") -> None:
        named = not field or re.search(rf"(?<!\w){re.escape(field)}(?!\w)", sentence)
        super().__init__(sentence if named else f"{field}: {sentence}", detail=detail)
        self.field = field


class Unauthorized(RequestError):
    """No valid token or credentials came with the request."""

    status = 401
    title = "Unauthorized"


class Forbidden(RequestError):
    """The caller is known, and may not."""

    status = 403
    title = "Forbidden"


class OverQuota(Forbidden):
    """The project's quota does not allow it."""


class NotFound(RequestError):
    """It is not there, or the caller must not know that it is."""

    status = 404
    title = "Not Found"


class MethodNotAllowed(RequestError):
    """The path exists, the method on it does not."""

    status = 405
    title = "Method Not Allowed"


class NotAcceptable(RequestError):
    """The microversion that was asked for is not offered."""

    status = 406
    title = "Not Acceptable"


class Conflict(RequestError):
    """The state of the resource, or another resource, does not allow it now."""

    status = 409
    title = "Conflict"


class TooLarge(RequestError):
    """The body is larger than the limit."""

    status = 413
    title = "Request Entity Too Large"


class UnsupportedMedia(RequestError):
    """The Content-Type is not one that the route reads."""

    status = 415
    title = "Unsupported Media Type"


class Unavailable(RequestError):
    """The engine, the disk or the database cannot serve it now."""

    status = 503
    title = "Service Unavailable"


class Elsewhere(Unavailable):
    """The host ``host`` can answer this, and this one cannot."""

    def __init__(self, host: str) -> None:
        super().__init__("The host where this is does not answer now; try again later.", detail=f"host {host}")
        self.host = host


class DriverError(BoxshipError):
    """The world did not do what was asked."""


class Absent(DriverError):
    """What was named is not in the world (any more); a reconciler looks again."""


class Busy(DriverError):
    """It may work later: a lock, a restart, a timeout. A reconciler backs off, up to its deadline."""


class Refused(DriverError):
    """It will not work as asked: a reconciler records state Error with this sentence as the reason."""
