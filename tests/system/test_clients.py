"""Unmodified python-openstackclient and python-zunclient against a running cloud: what users of OpenStack type, and what
they read. A test per service, in the order in which somebody who tries it out would go."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from tests.system import audit
from tests.system.archives import busybox
from tests.system.clients import Clients
from tests.system.installation import Installation
from tests.system.waiting import until

pytestmark = [pytest.mark.system, pytest.mark.xdist_group("system"), pytest.mark.timeout(300)]


def test_identity(cloud: Installation, openstack: Clients) -> None:
    token = openstack.json("token", "issue")
    assert {"id", "expires", "project_id", "user_id"} <= token.keys()
    assert token["id"].startswith("gAAAA"), "a Fernet token"
    catalog = {entry["Type"]: entry for entry in openstack.json("catalog", "list")}
    assert {"identity", "image", "network", "container"} <= catalog.keys()
    assert {"block-storage", "volumev3"} & catalog.keys()
    urls = [endpoint["url"] for endpoint in catalog["container"]["Endpoints"]]
    assert urls == [f"{cloud.url}/container/v1"] * len(urls)

    project = openstack.json("project", "create", "clients", "--description", "by the clients", cloud="boxship-admin")
    user = openstack.json(
        *("user", "create", "worker", "--password", "a long password", "--project", "clients"), cloud="boxship-admin"
    )
    assert project["name"] == "clients" and project["enabled"] and project["domain_id"] == "default"
    assert user["name"] == "worker" and user["default_project_id"] == project["id"]
    openstack.run("role", "add", "--project", "clients", "--user", "worker", "member", cloud="boxship-admin")
    issued = openstack.end(
        *("token", "issue", "-f", "value", "-c", "project_id"),
        environment={"OS_USERNAME": "worker", "OS_PASSWORD": "a long password", "OS_PROJECT_NAME": "clients"},
    )
    assert (issued.code, issued.output.strip()) == (0, project["id"]), issued.errors
    wrong = openstack.end("token", "issue", environment={"OS_PASSWORD": "not it"})
    assert wrong.code != 0 and "401" in wrong.errors
    openstack.run("user", "delete", "worker", cloud="boxship-admin")
    openstack.run("project", "delete", "clients", cloud="boxship-admin")
    refused = openstack.end("project", "create", "mine")
    assert refused.code != 0 and "403" in refused.errors


ADMIN = "boxship-admin"


def test_groups(openstack: Clients) -> None:
    group = openstack.json("group", "create", "cooks", "--description", "by the clients", cloud=ADMIN)
    assert (group["name"], group["domain_id"], group["description"]) == ("cooks", "default", "by the clients")
    assert openstack.json("group", "create", "--or-show", "cooks", cloud=ADMIN)["id"] == group["id"]
    openstack.run("project", "create", "shop", cloud=ADMIN)
    openstack.run("user", "create", "carol", "--password", "a long password", cloud=ADMIN)
    assert "not in group" in openstack.end("group", "contains", "user", "cooks", "carol", cloud=ADMIN).errors
    openstack.run("group", "add", "user", "cooks", "carol", cloud=ADMIN)
    assert "carol in group cooks" in openstack.run("group", "contains", "user", "cooks", "carol", cloud=ADMIN)
    assert [row["Name"] for row in openstack.json("group", "list", "--user", "carol", cloud=ADMIN)] == ["cooks"]
    assert [row["Name"] for row in openstack.json("user", "list", "--group", "cooks", cloud=ADMIN)] == ["carol"]
    as_carol = {"OS_USERNAME": "carol", "OS_PASSWORD": "a long password", "OS_PROJECT_NAME": "shop"}
    assert openstack.end("token", "issue", environment=as_carol).code != 0
    openstack.run("role", "add", "--project", "shop", "--group", "cooks", "member", cloud=ADMIN)
    (row,) = openstack.json("role", "assignment", "list", "--group", "cooks", "--names", cloud=ADMIN)
    assert (row["Role"], row["Group"], row["Project"]) == ("member", "cooks@Default", "shop@Default")
    rows = openstack.json("role", "assignment", "list", "--user", "carol", "--effective", "--names", cloud=ADMIN)
    assert {(row["Role"], row["User"]) for row in rows} == {("member", "carol@Default"), ("reader", "carol@Default")}
    issued = openstack.end("token", "issue", environment=as_carol)
    assert issued.code == 0, issued.errors
    openstack.run("group", "remove", "user", "cooks", "carol", cloud=ADMIN)
    assert openstack.end("token", "issue", environment=as_carol).code != 0
    openstack.run("group", "set", "cooks", "--name", "chefs", "--description", "renamed", cloud=ADMIN)
    shown = openstack.json("group", "show", "chefs", cloud=ADMIN)
    assert (shown["id"], shown["description"]) == (group["id"], "renamed")
    openstack.run("role", "remove", "--project", "shop", "--group", "chefs", "member", cloud=ADMIN)
    openstack.run("group", "delete", "chefs", cloud=ADMIN)
    assert openstack.json("group", "list", cloud=ADMIN) == []
    openstack.run("user", "delete", "carol", cloud=ADMIN)
    openstack.run("project", "delete", "shop", cloud=ADMIN)


def test_the_catalog(openstack: Clients) -> None:
    url = "http://dns.example:9001/$(project_id)s"
    service = openstack.json("service", "create", "--name", "designate", "--description", "Names", "dns", cloud=ADMIN)
    assert (service["name"], service["type"], service["enabled"]) == ("designate", "dns", True)
    region = openstack.json("region", "create", "Mars", "--parent-region", "RegionOne", cloud=ADMIN)
    assert region["parent_region"] == "RegionOne"
    openstack.run("region", "set", "Mars", "--description", "Far away", cloud=ADMIN)
    assert openstack.json("region", "show", "Mars", cloud=ADMIN)["description"] == "Far away"
    below = openstack.json("region", "list", "--parent-region", "RegionOne", cloud=ADMIN)
    assert [row["Region"] for row in below] == ["Mars"]
    words = ("endpoint", "create", "--region", "Mars", "designate", "public", url)
    endpoint = openstack.json(*words, cloud=ADMIN)
    assert (endpoint["region"], endpoint["service_id"], endpoint["url"]) == ("Mars", service["id"], url)
    project = openstack.json("token", "issue")["project_id"]
    (found,) = openstack.json("catalog", "show", "dns")["endpoints"]
    assert found["url"] == f"http://dns.example:9001/{project}"
    openstack.run("endpoint", "set", endpoint["id"], "--url", "http://dns.example/", "--disable", cloud=ADMIN)
    (listed,) = openstack.json("endpoint", "list", "--service", "designate", cloud=ADMIN)
    assert (listed["URL"], listed["Enabled"]) == ("http://dns.example/", False)
    assert openstack.json("endpoint", "show", endpoint["id"], cloud=ADMIN)["interface"] == "public"
    openstack.run("service", "set", service["id"], "--name", "names", "--description", "Other", cloud=ADMIN)
    assert openstack.json("service", "show", "names", cloud=ADMIN)["description"] == "Other"
    for kind, name in (("service", "glance"), ("region", "RegionOne"), ("region", "Mars")):
        refused = openstack.end(kind, "delete", name, cloud=ADMIN)
        assert refused.code != 0 and ("of this cloud itself" in refused.errors or "have associated" in refused.errors)
    openstack.run("endpoint", "delete", endpoint["id"], cloud=ADMIN)
    openstack.run("service", "delete", "names", cloud=ADMIN)
    openstack.run("region", "delete", "Mars", cloud=ADMIN)
    assert "dns" not in {entry["Type"] for entry in openstack.json("catalog", "list")}
    assert openstack.end("service", "create", "dns").code != 0


def test_image(openstack: Clients, tmp_path: Path) -> None:
    archive = busybox(tmp_path / "image.tar", "client-image:1")
    image = openstack.json(
        *("image", "create", "client-image", "--container-format", "docker", "--disk-format", "raw"),
        *("--file", str(archive), "--property", "purpose=test"),
    )
    assert (image["name"], image["status"], image["container_format"]) == ("client-image", "active", "docker")
    assert image["size"] == archive.stat().st_size
    assert image["id"] in [entry["ID"] for entry in openstack.json("image", "list")]
    saved = tmp_path / "saved.tar"
    openstack.run("image", "save", "--file", str(saved), "client-image")
    assert saved.read_bytes() == archive.read_bytes()
    with tarfile.open(saved) as archive_again:
        assert "manifest.json" in archive_again.getnames()
    openstack.run("image", "set", "--name", "renamed", image["id"])
    assert openstack.json("image", "show", "renamed")["id"] == image["id"]
    openstack.run("image", "delete", image["id"])
    assert openstack.end("image", "show", image["id"]).code != 0


def test_an_import_of_this_host(openstack: Clients, cloud: Installation) -> None:
    wish = {"name": "imported", "container_format": "docker", "disk_format": "raw"}
    image = cloud.session().ask("POST", "/image/v2/images", wish)  # the client would send its input as the bytes
    assert "web-download" in openstack.run("image", "import", "info")
    inside = ("--method", "web-download", "--uri", "http://169.254.169.254/latest/meta-data")
    openstack.run("image", "import", image["id"], *inside)

    def reason() -> str:
        return str(openstack.json("image", "show", image["id"])["properties"].get("os_glance_import_failure", ""))

    until(lambda: "Nothing is fetched from 169.254.169.254" in reason(), "the import is refused")
    openstack.run("image", "delete", image["id"])


def test_network(openstack: Clients) -> None:
    network = openstack.json("network", "create", "office")
    assert network["admin_state_up"] and network["status"] == "ACTIVE"
    subnet = openstack.json(
        *("subnet", "create", "office-v4", "--network", "office", "--subnet-range", "10.20.0.0/24"),
        *("--dns-nameserver", "192.0.2.53"),
    )
    assert (subnet["cidr"], subnet["gateway_ip"], subnet["ip_version"]) == ("10.20.0.0/24", "10.20.0.1", 4)
    six = openstack.json(
        *("subnet", "create", "office-v6", "--network", "office", "--ip-version", "6"),
        *("--subnet-range", "2001:db8:20::/64"),
    )
    assert six["cidr"] == "2001:db8:20::/64"

    group = openstack.json("security", "group", "create", "web", "--description", "what serves pages")
    assert len(group["rules"]) == 2, "everything may go out, by IPv4 and IPv6"
    rule = openstack.json(
        *("security", "group", "rule", "create", "web", "--protocol", "tcp", "--dst-port", "80"),
        *("--remote-ip", "10.20.0.0/24"),
    )
    assert (rule["port_range_min"], rule["port_range_max"], rule["direction"]) == (80, 80, "ingress")

    port = openstack.json(
        *("port", "create", "desk", "--network", "office", "--security-group", "web"),
        *("--fixed-ip", "subnet=office-v4,ip-address=10.20.0.77"),
    )
    assert port["fixed_ips"] == [{"subnet_id": subnet["id"], "ip_address": "10.20.0.77"}]
    assert port["security_group_ids"] == [group["id"]]

    openstack.run("router", "create", "door")
    openstack.run("router", "set", "door", "--external-gateway", "public")
    openstack.run("router", "add", "subnet", "door", "office-v4")
    router = openstack.json("router", "show", "door")
    assert router["external_gateway_info"]["enable_snat"]
    floating = openstack.json("floating", "ip", "create", "public", "--port", port["id"])
    assert floating["fixed_ip_address"] == "10.20.0.77"
    assert floating["floating_ip_address"] in [
        entry["Floating IP Address"] for entry in openstack.json("floating", "ip", "list")
    ]
    names = [entry["Name"] for entry in openstack.json("network", "list")]
    assert {"office", "public"} <= set(names)

    in_use = openstack.end("network", "delete", "office")
    assert in_use.code != 0 and "ports still in use" in in_use.errors.lower() + in_use.output.lower()
    for words in (
        ("floating", "ip", "delete", floating["id"]),
        ("router", "remove", "subnet", "door", "office-v4"),
        ("router", "unset", "--external-gateway", "door"),
        ("router", "delete", "door"),
        ("port", "delete", "desk"),
        ("security", "group", "rule", "delete", rule["id"]),
        ("security", "group", "delete", "web"),
        ("subnet", "delete", "office-v4", "office-v6"),
        ("network", "delete", "office"),
    ):
        openstack.run(*words)
    assert "office" not in [entry["Name"] for entry in openstack.json("network", "list")]


def test_volume(openstack: Clients) -> None:
    volume = openstack.json("volume", "create", "--size", "1", "--description", "for keeps", "archive")
    assert (volume["name"], volume["size"]) == ("archive", 1)

    def status() -> str:
        statuses = {entry["Name"]: entry["Status"] for entry in openstack.json("volume", "list")}
        return str(statuses.get("archive"))

    until(lambda: status() == "available", "the volume is available")
    openstack.run("volume", "set", "--name", "attic", "archive")
    assert openstack.json("volume", "show", "attic")["id"] == volume["id"]
    openstack.run("volume", "delete", "attic")
    until(lambda: "attic" not in [entry["Name"] for entry in openstack.json("volume", "list")], "the volume is gone")


@pytest.fixture
def office(openstack: Clients) -> str:
    """A network with a subnet, by name."""
    openstack.run("network", "create", "floor")
    openstack.run("subnet", "create", "floor", "--network", "floor", "--subnet-range", "10.30.0.0/24")
    return "floor"


def _container(openstack: Clients, name: str) -> dict[str, object]:
    return dict(openstack.json("appcontainer", "show", name))


def _reaches(openstack: Clients, name: str, status: str) -> dict[str, object]:
    def shown() -> dict[str, object] | None:
        found = _container(openstack, name)
        assert found["status"] != "Error" or status == "Error", found["status_reason"]
        return found if found["status"] == status and found["task_state"] is None else None

    return until(shown, f"{name} is {status}", 20) or {}


def _is_gone(openstack: Clients, name: str) -> bool:
    return name not in [entry["name"] for entry in openstack.json("appcontainer", "list")]


def test_container(openstack: Clients, office: str, cloud: Installation) -> None:
    openstack.run("volume", "create", "--size", "1", "shelf")
    openstack.run(
        *("appcontainer", "run", "--name", "clerk", "--image-driver", "docker", "--net", f"network={office}"),
        *("--mount", "source=shelf,destination=/data", "--environment", "COLOUR=green", "--label", "team=a"),
        *("--memory", "64", "--cpu", "0.5", "--hostname", "desk"),
        *("busybox", "sh", "-c", "echo ready for work; trap exit TERM; while true; do sleep 0.1; done"),
    )
    clerk = _reaches(openstack, "clerk", "Running")
    assert "10.30.0." in str(clerk["addresses"])
    assert (clerk["hostname"], str(clerk["memory"])) == ("desk", "64")
    assert "clerk" in [entry["name"] for entry in openstack.json("appcontainer", "list")]
    until(lambda: "ready for work" in openstack.run("appcontainer", "logs", "clerk"), "its words are in the log")
    said = openstack.run("appcontainer", "exec", "clerk", "sh", "-c", "echo $COLOUR; hostname; echo kept > /data/file")
    assert said.split() == ["green", "desk"]

    openstack.run("appcontainer", "stop", "clerk")
    _reaches(openstack, "clerk", "Stopped")
    stopped = openstack.end("appcontainer", "exec", "clerk", "true")
    assert "Cannot execute" in stopped.output + stopped.errors or stopped.code != 0
    openstack.run("appcontainer", "start", "clerk")
    first = _reaches(openstack, "clerk", "Running")
    openstack.run("appcontainer", "restart", "clerk")
    _reaches(openstack, "clerk", "Running")
    until(lambda: openstack.run("appcontainer", "logs", "clerk").count("ready") == 3, "it began a third time", 20)
    again = _reaches(openstack, "clerk", "Running")
    assert again["addresses"] == first["addresses"], "an address stays over stop, start and restart"
    assert openstack.run("appcontainer", "exec", "clerk", "cat", "/data/file").strip() == "kept"
    in_use = openstack.end("volume", "delete", "shelf")
    assert in_use.code != 0, "a volume in use cannot be deleted"

    plain = openstack.end("appcontainer", "delete", "clerk")
    assert "Cannot delete" in plain.output + plain.errors, "a running container needs --stop or --force"
    openstack.run("appcontainer", "delete", "--stop", "clerk")
    until(lambda: _is_gone(openstack, "clerk"), "it is gone", 20)

    openstack.run(
        "appcontainer", "create", "--name", "idle", "--image-driver", "docker", "--net", f"network={office}", "busybox"
    )
    _reaches(openstack, "idle", "Created")
    openstack.run("appcontainer", "delete", "idle")
    until(lambda: _is_gone(openstack, "idle"), "a stopped one goes plainly", 20)
    _force(openstack, office)
    openstack.run("volume", "delete", "shelf")
    openstack.run("network", "delete", office)
    audit.assert_sound(cloud)


def _force(openstack: Clients, office: str) -> None:
    openstack.run(
        *("appcontainer", "run", "--name", "stubborn", "--image-driver", "docker", "--net", f"network={office}"),
        *("busybox", "sh", "-c", "trap '' TERM; while true; do sleep 1; done"),
    )
    stubborn = _reaches(openstack, "stubborn", "Running")
    denied = openstack.end("appcontainer", "delete", "--force", "stubborn")
    assert "Policy" in denied.output + denied.errors, "forced deletion is for admins"
    openstack.run("appcontainer", "delete", "--force", str(stubborn["uuid"]), "--all-projects", cloud="boxship-admin")
    until(lambda: _is_gone(openstack, "stubborn"), "it is gone by force", 20)
