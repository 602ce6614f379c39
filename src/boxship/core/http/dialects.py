"""How each upstream writes an error: one table, so that every client finds the text where it looks for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from boxship.core import errors

Body = dict[str, object]


@dataclass(frozen=True, slots=True)
class Dialect:
    """``body(error, status, request id)`` is the JSON of an error; ``over_quota`` the status for a quota that is full."""

    body: Callable[[errors.RequestError, int, str], Body]
    over_quota: int = 403
    statuses: dict[int, int] = field(default_factory=dict)

    def status(self, error: errors.RequestError) -> int:
        """The status that this upstream uses for the error."""
        if isinstance(error, errors.OverQuota):
            return self.over_quota
        return self.statuses.get(error.status, error.status)


def _keystone(error: errors.RequestError, status: int, _request_id: str) -> Body:
    return {"error": {"code": status, "message": error.sentence, "title": error.title}}


def _glance(error: errors.RequestError, status: int, _request_id: str) -> Body:
    return {"code": f"{status} {error.title}", "title": error.title, "message": error.sentence}


def _neutron(error: errors.RequestError, _status: int, _request_id: str) -> Body:
    return {"NeutronError": {"type": type(error).__name__, "message": error.sentence, "detail": ""}}


_CINDER_WORDS = {
    400: "badRequest",
    401: "unauthorized",
    403: "forbidden",
    404: "itemNotFound",
    405: "badMethod",
    409: "conflictingRequest",
    413: "overLimit",
    415: "badMediaType",
    503: "serviceUnavailable",
}


def _cinder(error: errors.RequestError, status: int, _request_id: str) -> Body:
    return {_CINDER_WORDS.get(status, "computeFault"): {"code": status, "message": error.sentence}}


def _zun(error: errors.RequestError, status: int, request_id: str) -> Body:
    problem: Body = {
        "request_id": request_id,
        "code": f"zun.{type(error).__name__}",
        "status": status,
        # Zun repeats the text in the title, and that is what its client prints.
        "title": error.sentence if status < 500 else error.title,
        "detail": error.sentence,
        "links": [],
    }
    return {"errors": [problem]}


def _heat(error: errors.RequestError, status: int, _request_id: str) -> Body:
    inner: Body = {"message": error.sentence, "traceback": None, "type": type(error).__name__}
    return {"code": status, "error": inner, "explanation": _HEAT_WORDS.get(status, error.title), "title": error.title}


_HEAT_WORDS = {
    400: "The server could not comply with the request since it is either malformed or otherwise incorrect.",
    403: "Access was denied to this resource.",
    404: "The resource could not be found.",
    409: "There was a conflict when trying to complete your request.",
}


KEYSTONE = Dialect(_keystone)
GLANCE = Dialect(_glance, over_quota=413)
NEUTRON = Dialect(_neutron, over_quota=409)
CINDER = Dialect(_cinder, over_quota=413)
MANILA = CINDER
ZUN = Dialect(_zun)
HEAT = Dialect(_heat)
PLAIN = Dialect(_keystone)
"""For what is no service: the root, health and metrics."""
