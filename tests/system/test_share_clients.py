"""``openstack share`` of the official client, unmodified, on a real cloud: what it sends is understood, and what it shows
is there."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from tests.system import audit
from tests.system.clients import Clients
from tests.system.installation import Installation
from tests.system.waiting import until

pytestmark = [pytest.mark.system, pytest.mark.xdist_group("system"), pytest.mark.timeout(300)]


@pytest.fixture
def name(cloud: Installation, openstack: Clients) -> Iterator[str]:
    """The name of what a test makes; at the end no share is left, and the host is as the database says."""
    yield f"s-{secrets.token_hex(3)}"
    until(lambda: openstack.json("share", "list") == [], "no share is left", 20)
    audit.assert_sound(cloud)


def made(openstack: Clients, name: str, *words: str) -> dict[str, Any]:
    """A share that is there."""
    openstack.run("share", "create", "--name", name, *words, "NFS", "1")
    becomes(openstack, name, "available")
    return shown(openstack, name)


def shown(openstack: Clients, name: str) -> dict[str, Any]:
    return dict(openstack.json("share", "show", name))


def becomes(openstack: Clients, name: str, status: str) -> None:
    until(lambda: shown(openstack, name)["status"] == status, f"{name} is {status}", 20, pause=0.2)


def test_shares(openstack: Clients, name: str) -> None:
    share = made(openstack, name, "--description", "for all", "--property", "k=v")
    assert (share["size"], share["share_proto"], share["description"]) == (1, "NFS", "for all")
    assert share["share_type_name"] == "default"
    (listed,) = openstack.json("share", "list")
    assert (listed["ID"], listed["Name"], listed["Status"]) == (share["id"], name, "available")
    openstack.run("share", "set", "--name", f"{name}-b", "--property", "a=b", name)
    openstack.run("share", "unset", "--property", "k", f"{name}-b")
    assert "a" in str(shown(openstack, f"{name}-b")["properties"])
    assert openstack.json("share", "properties", "show", f"{name}-b") == {"a": "b"}
    (place,) = openstack.json("share", "export", "location", "list", f"{name}-b")
    whole = openstack.json("share", "export", "location", "show", f"{name}-b", place["ID"])
    assert whole["path"].endswith(share["id"])
    openstack.run("share", "resize", f"{name}-b", "2")
    until(lambda: shown(openstack, f"{name}-b")["size"] == 2, "it is larger")
    becomes(openstack, f"{name}-b", "available")
    openstack.run("share", "resize", "--wait", f"{name}-b", "1")
    assert shown(openstack, f"{name}-b")["size"] == 1
    openstack.run("share", "set", "--status", "error", share["id"], cloud="boxship-admin")
    assert shown(openstack, f"{name}-b")["status"] == "error"
    openstack.run("share", "delete", "--wait", f"{name}-b")


def test_access_and_snapshots(openstack: Clients, name: str) -> None:
    made(openstack, name)
    rule = openstack.json("share", "access", "create", name, "ip", "10.0.0.0/8", "--access-level", "ro")
    assert (rule["access_to"], rule["access_level"]) == ("10.0.0.0/8", "ro")
    until(lambda: openstack.json("share", "access", "show", rule["id"])["state"] == "active", "the rule is in force")
    openstack.run("share", "access", "set", rule["id"], "--property", "for=docs")
    assert "docs" in str(openstack.json("share", "access", "show", rule["id"])["properties"])
    openstack.run("share", "access", "unset", rule["id"], "--property", "for")
    assert [one["ID"] for one in openstack.json("share", "access", "list", name)] == [rule["id"]]
    openstack.run("share", "access", "delete", name, rule["id"])
    until(lambda: openstack.json("share", "access", "list", name) == [], "the rule is gone")
    snapshot = openstack.json("share", "snapshot", "create", "--name", name, name)
    until(
        lambda: openstack.json("share", "snapshot", "show", snapshot["id"])["status"] == "available", "it is taken", 20
    )
    openstack.run("share", "snapshot", "set", "--description", "the first", name)
    (listed,) = openstack.json("share", "snapshot", "list")
    assert (listed["ID"], listed["Name"]) == (snapshot["id"], name)
    openstack.run("share", "revert", snapshot["id"])
    becomes(openstack, name, "available")
    copy = made(openstack, f"{name}-copy", "--snapshot-id", snapshot["id"])
    assert copy["snapshot_id"] == snapshot["id"]
    openstack.run("share", "delete", "--wait", f"{name}-copy")
    refused = openstack.end("share", "delete", name)
    assert refused.code != 0, "a share with snapshots stays"
    openstack.run("share", "snapshot", "delete", "--wait", snapshot["id"])
    openstack.run("share", "delete", "--wait", name)


def test_administration(openstack: Clients, name: str) -> None:
    admin = "boxship-admin"
    kind = openstack.json("share", "type", "create", name, "False", "--public", "false", cloud=admin)
    assert name not in [one["Name"] for one in openstack.json("share", "type", "list")]
    project = openstack.json("token", "issue")["project_id"]
    openstack.run("share", "type", "access", "create", name, project, cloud=admin)
    assert [one["Project ID"] for one in openstack.json("share", "type", "access", "list", name, cloud=admin)] == [
        project
    ]
    openstack.run("share", "type", "set", name, "--extra-specs", "share_backend_name=nowhere", cloud=admin)
    openstack.run("share", "create", "--name", name, "--share-type", name, "NFS", "1")
    assert shown(openstack, name)["status"] == "error"
    (message,) = [
        one for one in openstack.json("share", "message", "list") if one["Resource ID"] == shown(openstack, name)["id"]
    ]
    assert "No storage" in openstack.json("share", "message", "show", message["ID"])["user_message"]
    openstack.run("share", "message", "delete", message["ID"])
    openstack.run("share", "delete", "--wait", name)
    openstack.run("share", "type", "unset", name, "share_backend_name", cloud=admin)
    assert openstack.json("share", "type", "show", name, cloud=admin)["id"] == kind["id"]
    openstack.run("share", "type", "access", "delete", name, project, cloud=admin)
    openstack.run("share", "type", "delete", name, cloud=admin)
    openstack.run("share", "quota", "set", project, "--shares", "7", cloud=admin)
    assert openstack.json("share", "quota", "show", project)["shares"] == 7
    openstack.run("share", "quota", "delete", project, cloud=admin)
    limits = {entry["Name"]: entry["Value"] for entry in openstack.json("share", "limits", "show", "--absolute")}
    assert limits["totalSharesUsed"] == 0
    (zone,) = openstack.json("share", "availability", "zone", "list")
    assert zone["Name"] == "nova"
    services = openstack.json("share", "service", "list", cloud=admin)
    assert {one["Binary"] for one in services} == {"manila-share", "manila-scheduler"}
    host = next(one["Host"] for one in services if one["Binary"] == "manila-share")
    openstack.run("share", "service", "set", host, "manila-share", "--disable", cloud=admin)
    openstack.run("share", "service", "set", host, "manila-share", "--enable", cloud=admin)
    assert [one["Backend"] for one in openstack.json("share", "pool", "list", cloud=admin)] == ["file"]
