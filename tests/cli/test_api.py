"""The small client: where it finds the services, what it makes of errors in each upstream's form."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from boxship.cli import api
from boxship.cli.failure import Exit, Failure

FAILURES: dict[str, tuple[int, Any, str, Exit]] = {
    "keystone": (404, {"error": {"code": 404, "message": "No such user.", "title": "N"}}, "No such user.", Exit.NOT_FOUND),
    "neutron": (409, {"NeutronError": {"type": "X", "message": "In use.", "detail": ""}}, "In use.", Exit.FAILURE),
    "cinder": (413, {"overLimit": {"code": 413, "message": "Quota exceeded."}}, "Quota exceeded.", Exit.REFUSED),
    "zun": (403, {"errors": [{"status": 403, "title": "F", "detail": "Not you."}]}, "Not you.", Exit.REFUSED),
    "glance": (400, {"code": "400 Bad Request", "title": "T", "message": "Bad."}, "Bad.", Exit.FAILURE),
    "html": (502, None, "The cloud answered with status 502.", Exit.FAILURE),
}  # fmt: skip


class Answers(http.server.BaseHTTPRequestHandler):
    """A catalog, and errors by the name in the path."""

    def log_message(self, *words: object) -> None:
        pass

    def do_POST(self) -> None:
        url = f"http://{self.headers['Host']}"
        endpoints = [
            {"interface": "admin", "region_id": "RegionOne", "url": "http://wrong"},
            {"interface": "public", "region_id": "Elsewhere", "url": "http://wrong"},
            {"interface": "public", "region_id": "RegionOne", "url": f"{url}/things/"},
            {"interface": "public", "region_id": "RegionOne", "url": "http://added-by-an-admin"},
        ]
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(201, {"token": {"project": {"id": "p"}, "catalog": [{"type": "thing", "endpoints": endpoints}]}})

    def do_GET(self) -> None:
        name = self.path.rpartition("/")[2]
        if name in FAILURES:
            self._answer(*FAILURES[name][:2])
        else:
            self._answer(200, {"path": self.path, "token": self.headers["X-Auth-Token"]})

    def _answer(self, status: int, body: Any) -> None:
        content = b"<html>" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("x-subject-token", "secret")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@pytest.fixture(scope="module")
def cloud() -> Iterator[api.Cloud]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        variables = {"OS_USERNAME": "u", "OS_PASSWORD": "p", "OS_PROJECT_NAME": "p", "OS_REGION_NAME": "RegionOne"}
        yield api.Cloud({**variables, "OS_AUTH_URL": f"http://127.0.0.1:{server.server_address[1]}/v3"})
        server.shutdown()
        thread.join()


def test_the_public_endpoint_of_the_region_is_asked(cloud: api.Cloud) -> None:
    assert cloud.get("thing", "/some", all=True, marker=None, name="a b") == {
        "path": "/things/some?all=true&name=a+b",
        "token": "secret",
    }
    assert cloud.project_id == "p"


def test_a_service_that_is_not_there(cloud: api.Cloud) -> None:
    with pytest.raises(Failure, match="no service of type orchestration") as caught:
        cloud.get("orchestration", "/stacks")
    assert caught.value.code is Exit.NOT_FOUND


@pytest.mark.parametrize("form", FAILURES)
def test_an_error_is_one_sentence_in_any_form(cloud: api.Cloud, form: str) -> None:
    status, _, sentence, code = FAILURES[form]
    with pytest.raises(api.RequestFailed) as caught:
        cloud.get("thing", f"/{form}")
    assert (caught.value.status, caught.value.sentence, caught.value.code) == (status, sentence, code)
