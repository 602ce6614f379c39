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


KEYSTONE = Dialect(_keystone)
GLANCE = Dialect(_glance, over_quota=413)
NEUTRON = Dialect(_neutron, over_quota=409)
CINDER = Dialect(_cinder, over_quota=413)
MANILA = CINDER
ZUN = Dialect(_zun)
PLAIN = Dialect(_keystone)
"""For what is no service: the root, health and metrics."""
