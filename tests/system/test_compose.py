"""A Compose file on real containers: a page in a database on a volume, a web server that waits until the database is well,
reached through a floating IP; then changed, removed, and made again with what the volume kept."""

from __future__ import annotations

import secrets
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.system import audit
from tests.system.api import Session
from tests.system.installation import Installation
from tests.system.waiting import until

pytestmark = [pytest.mark.system, pytest.mark.xdist_group("system"), pytest.mark.timeout(300)]

DATABASE = (
    "mkdir -p /data/www; [ -e /data/www/index.html ] || cp /first /data/www/index.html; "
    "sleep 2; httpd -p 80 -h /data/www; trap exit TERM; while true; do sleep 1 & wait; done"
)
WEB = (
    "mkdir -p /www/cgi-bin; cp /page /www/cgi-bin/page; chmod +x /www/cgi-bin/page; httpd -p 80 -h /www; "
    "trap exit TERM; while true; do sleep 1 & wait; done"
)
PAGE = """#!/bin/sh
echo
echo $GREETING $(cat /run/secrets/word)
for name in db store; do timeout 5 wget -q -O - http://$name/; done
"""
FILE: dict[str, Any] = {
    "services": {
        "web": {
            "image": "busybox",
            "command": ["sh", "-c", WEB],
            "environment": {"GREETING": "${GREETING:-hello}"},
            "depends_on": {"db": {"condition": "service_healthy"}},
            "networks": ["front", "back"],
            "ports": ["8080:80"],
            "configs": [{"source": "page", "target": "/page"}],
            "secrets": ["word"],
            "deploy": {"resources": {"limits": {"cpus": "0.2", "memory": "64m"}}},
        },
        "db": {
            "image": "busybox",
            "entrypoint": ["sh", "-c"],
            "command": [DATABASE],
            "networks": {"back": {"aliases": ["store"]}},
            "volumes": ["data:/data", "./first:/first:ro"],
            "healthcheck": {
                "test": "wget -q -O - http://127.0.0.1/ > /dev/null",
                "interval": "1s",
                "start_period": "30s",
            },
            "mem_limit": "64m",
        },
    },
    "networks": {"front": {}, "back": {"internal": True}},
    "volumes": {"data": {}},
    "configs": {"page": {"content": PAGE.replace("$", "$$")}},
    "secrets": {"word": {"file": "./word"}},
}


class Project:
    """A Compose file of its own, and what the cloud has of it."""

    def __init__(self, cloud: Installation, directory: Path) -> None:
        self.cloud = cloud
        self.name = f"c{secrets.token_hex(3)}"
        self.file = directory / "compose.yaml"
        (directory / "first").write_text("kept\n")
        (directory / "word").write_text("world")
        self.file.write_text(yaml.safe_dump({"name": self.name, **FILE}))

    def __call__(self, verb: str, *words: str) -> str:
        return self.cloud.command("compose", verb, "-f", str(self.file), *words).stdout

    def greets(self, greeting: str) -> None:
        (self.file.parent / ".env").write_text(f"GREETING={greeting}\n")


@pytest.fixture
def session(cloud: Installation) -> Session:
    return cloud.session()


def has(session: Session) -> dict[str, set[str]]:
    """What the project has in the cloud, by kind."""
    network = "/network/v2.0"
    paths = {
        "containers": "/container/v1/containers",
        "volumes": f"/volume/v3/{session.project_id}/volumes",
        **{kind: f"{network}/{kind}" for kind in ("networks", "routers", "floatingips", "ports", "security-groups")},
    }
    found = {}
    for kind, path in paths.items():
        (rows,) = (value for value in session.ask("GET", path).values() if isinstance(value, list))
        found[kind] = {row.get("uuid") or row["id"] for row in rows}
    return found


@pytest.fixture
def project(cloud: Installation, session: Session, tmp_path: Path) -> Iterator[Project]:
    """After ``down --volumes`` nothing of it is left, in the cloud or on the host."""
    before = has(session)
    made = Project(cloud, tmp_path)
    yield made
    made("down", "--volumes")
    assert has(session) == before
    audit.assert_sound(cloud)


def page(url: str) -> list[str]:
    """Its lines; none while nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=15) as answer:  # noqa: S310 (an address of this host)
            return str(answer.read().decode()).split("\n")
    except OSError:
        return []


def test_web_and_database(project: Project) -> None:
    said = project("up")
    address, _, target = said.strip().partition("/tcp -> ")
    assert (address.rpartition(":")[2], target) == ("8080", "web-1:80")
    url = f"http://{address}/cgi-bin/page"
    first = until(lambda: page(url), "the web server answers", 20)
    assert first[:3] == ["hello world", "kept", "kept"], "both names lead to the database, which was well before"
    assert project("up") == said
    # The database is on one network only, so this name is from its name service.
    asked = project.cloud.command("exec", f"{project.name}-db-1", "wget", "-q", "-O", "-", "http://web/cgi-bin/page")
    assert asked.stdout.startswith("hello world")

    project.greets("good day")
    assert project("up") == said
    until(lambda: page(url)[:2] == ["good day world", "kept"], "the new one answers", 20)
    project.cloud.command("exec", f"{project.name}-db-1", "sh", "-c", "echo changed > /data/www/index.html")
    project("down")
    address = project("up").partition("/")[0]
    again = until(lambda: page(f"http://{address}/cgi-bin/page"), "the web server answers again", 20)
    assert again[:2] == ["good day world", "changed"], "the volume was found again"
