"""Which microversion a request gets, and how each upstream writes an error."""

from __future__ import annotations

import pytest

from boxship.core import errors
from boxship.core.http import dialects
from boxship.core.http.microversions import Microversions, Version

ZUN = Microversions(
    "container", {"1.1": "First.", "1.2": "Second.", "1.10": "Tenth."}, aliases=("zun",), legacy_header="X-Zun-Version"
)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, "1.1"),
        ({"openstack-api-version": "container 1.2"}, "1.2"),
        ({"openstack-api-version": "Container latest"}, "1.10"),
        ({"openstack-api-version": "zun LATEST"}, "1.10"),
        ({"openstack-api-version": "volume 3.59, container 1.10"}, "1.10"),
        ({"openstack-api-version": "volume 3.59"}, "1.1"),
        ({"openstack-api-version": "1.2"}, "1.1"),
        ({"openstack-api-version": "volume 3.59", "x-zun-version": "1.2"}, "1.2"),
        ({"openstack-api-version": "container 1.10", "x-zun-version": "1.2"}, "1.10"),
    ],
)
def test_negotiation(headers: dict[str, str], expected: str) -> None:
    assert str(ZUN.negotiate(headers)) == expected


@pytest.mark.parametrize("asked", ["1.0", "1.11", "2.1", "9999.9999"])
def test_versions_that_are_not_offered(asked: str) -> None:
    with pytest.raises(errors.NotAcceptable, match=r"Minimum is 1\.1 and maximum is 1\.10"):
        ZUN.negotiate({"openstack-api-version": f"container {asked}"})


@pytest.mark.parametrize("asked", ["1", "1.", ".1", "1.02", "01.2", "-1.2", "1.2.3", "a.b", "1.99999", "\u0661.\u0662"])
def test_versions_that_are_none(asked: str) -> None:
    with pytest.raises(errors.BadRequest) as caught:
        ZUN.negotiate({"openstack-api-version": f"container {asked}"})
    assert caught.value.field == "OpenStack-API-Version"


def test_order() -> None:
    assert Version(1, 9) < Version(1, 10) < Version(2, 0)


def test_headers_of_answers() -> None:
    headers = ZUN.headers(Version(1, 2))
    assert headers["OpenStack-API-Version"] == "container 1.2"
    assert headers["OpenStack-API-Minimum-Version"] == "container 1.1"
    assert headers["OpenStack-API-Maximum-Version"] == "container 1.10"
    assert headers["X-Zun-Version"] == "1.2"
    assert headers["Vary"] == "OpenStack-API-Version,X-Zun-Version"


GONE = errors.NotFound("No such thing.", detail="secret")


@pytest.mark.parametrize(
    ("dialect", "expected"),
    [
        (dialects.KEYSTONE, {"error": {"code": 404, "message": "No such thing.", "title": "Not Found"}}),
        (dialects.PLAIN, {"error": {"code": 404, "message": "No such thing.", "title": "Not Found"}}),
        (dialects.GLANCE, {"code": "404 Not Found", "title": "Not Found", "message": "No such thing."}),
        (dialects.NEUTRON, {"NeutronError": {"type": "NotFound", "message": "No such thing.", "detail": ""}}),
        (dialects.CINDER, {"itemNotFound": {"code": 404, "message": "No such thing."}}),
        (
            dialects.ZUN,
            {
                "errors": [
                    {
                        "request_id": "req-1",
                        "code": "zun.NotFound",
                        "status": 404,
                        "title": "No such thing.",
                        "detail": "No such thing.",
                        "links": [],
                    }
                ]
            },
        ),
    ],
)
def test_an_error_in_each_dialect(dialect: dialects.Dialect, expected: object) -> None:
    assert dialect.body(GONE, dialect.status(GONE), "req-1") == expected


@pytest.mark.parametrize(
    ("dialect", "status"),
    [
        (dialects.KEYSTONE, 403),
        (dialects.GLANCE, 413),
        (dialects.NEUTRON, 409),
        (dialects.CINDER, 413),
        (dialects.ZUN, 403),
    ],
)
def test_the_status_of_a_full_quota(dialect: dialects.Dialect, status: int) -> None:
    assert dialect.status(errors.OverQuota("full")) == status
