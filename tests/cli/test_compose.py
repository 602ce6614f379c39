"""``boxship compose`` against the real program with the fake engine: made, changed and removed, and what is said of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from boxship.cli import api
from tests.cli.conftest import CommandLine

SHOP: dict[str, Any] = {
    "name": "shop",
    "services": {
        "web": {
            "image": "busybox",
            "command": "sleep 900",
            "ports": ["8080:80"],
            "depends_on": {
                "db": {"condition": "service_healthy"},
                "setup": {"condition": "service_completed_successfully"},
            },
            "secrets": ["password"],
        },
        "db": {
            "image": "busybox",
            "command": ["sleep", "900"],
            "volumes": ["data:/data"],
            "healthcheck": {"test": "true", "interval": "1s"},
            "mem_limit": "64m",
        },
        "setup": {"image": "busybox", "command": "true"},
    },
    "volumes": {"data": {}},
    "secrets": {"password": {"environment": "PASSWORD"}},
}
WORDS = {"PASSWORD": "hush-hush"}


class Shop:
    """A Compose file in a directory of its own, and what the cloud has of it."""

    def __init__(self, line: CommandLine, directory: Path) -> None:
        self._line = line
        self.file = directory / "compose.yaml"
        self.cloud = api.connect(line.state_dir)
        self.write(SHOP)

    def write(self, document: dict[str, Any]) -> None:
        self.file.write_text(yaml.safe_dump(document))

    def change(self, service: str, **keys: Any) -> None:
        document = yaml.safe_load(self.file.read_text())
        document["services"][service] |= keys
        self.write(document)

    def run(self, verb: str, *words: str) -> tuple[str, str]:
        """Output and errors. AssertionError: it failed."""
        done = self._line.run("compose", verb, "-f", str(self.file), *words, **WORDS)
        assert done.returncode == 0, done.stderr
        return done.stdout, done.stderr

    def fails(self, verb: str, *words: str) -> tuple[int, str]:
        done = self._line.run("compose", verb, "-f", str(self.file), *words, **WORDS)
        assert "Traceback" not in done.stderr
        return done.returncode, done.stderr

    def containers(self) -> dict[str, dict[str, Any]]:
        return {row["name"]: row for row in self.cloud.get("container", "/containers")["containers"]}

    def volumes(self) -> dict[str, dict[str, Any]]:
        return {row["name"]: row for row in self.cloud.get("block-storage", "/volumes/detail")["volumes"]}


@pytest.fixture
def shop(cloud: CommandLine, tmp_path: Path) -> Iterator[Shop]:
    """At the end nothing of it is left."""
    made = Shop(cloud, tmp_path)
    yield made
    made.write({**SHOP, "services": {"web": {"image": "busybox"}}})
    made.run("down", "--volumes")
    assert (made.containers(), made.volumes()) == ({}, {})
    networks = made.cloud.get("network", "/v2.0/networks")["networks"]
    assert [network["name"] for network in networks if network["name"].startswith("shop")] == []
    assert made.cloud.get("network", "/v2.0/floatingips")["floatingips"] == []


def test_from_up_to_down(shop: Shop) -> None:
    output, errors = shop.run("up", "-d")
    address, _, rest = output.partition(":")
    assert rest == "8080/tcp -> web-1:80\n"
    assert "Stack shop" in errors
    assert "hush" not in output + errors
    (floating,) = shop.cloud.get("network", "/v2.0/floatingips")["floatingips"]
    assert floating["floating_ip_address"] == address
    made = shop.containers()
    assert sorted(made) == ["shop-db-1", "shop-setup-1", "shop-web-1"]
    assert made["shop-setup-1"]["status_detail"].startswith("Exited(0)")
    assert made["shop-db-1"]["memory"] == "64"
    assert made["shop-web-1"]["labels"]["io.boxship.compose.service"] == "web"
    (volume,) = shop.volumes().values()
    assert (volume["name"], volume["status"]) == ("shop_data", "in-use")

    assert shop.run("up")[0] == output
    assert {name: row["uuid"] for name, row in shop.containers().items()} == {
        name: row["uuid"] for name, row in made.items()
    }, "nothing changed, so nothing is made anew"

    output, errors = shop.run("down")
    assert "Volumes that stay: shop_data." in errors
    assert shop.containers() == {}
    shop.run("up")
    assert shop.volumes()["shop_data"]["id"] == volume["id"], "it is found again"
    shop.run("up")
    shop.run("down", "-v")
    assert shop.volumes() == {}


def test_what_changed_is_made_anew(shop: Shop) -> None:
    """Also where a volume, a port and an address pass from the old one to the new one."""
    before, (volume,) = (shop.run("up")[0], shop.volumes().values())
    first = shop.containers()
    shop.change("db", command=["sleep", "800"], mem_limit="128m")
    shop.change("web", ports=["8080:80", "8081:81"], scale=2)
    output, _ = shop.run("up")
    second = shop.containers()
    assert sorted(second) == ["shop-db-1", "shop-setup-1", "shop-web-1", "shop-web-2"]
    assert second["shop-db-1"]["command"] == ["sleep", "800"]
    assert second["shop-web-1"]["uuid"] == first["shop-web-1"]["uuid"]
    assert second["shop-web-1"]["addresses"] == first["shop-web-1"]["addresses"]
    assert next(iter(shop.volumes().values()))["id"] == volume["id"]
    assert output.splitlines()[0] == before.strip()
    assert len(output.splitlines()) == 2


def test_what_others_hold_is_given_up_first(shop: Shop) -> None:
    """A number outside that passes to another service, a service that moves, a network with another range."""
    first = shop.run("up")[0]
    document = yaml.safe_load(shop.file.read_text())
    web = document["services"].pop("web")
    ranged = {"ipam": {"config": [{"subnet": "10.66.0.0/24"}]}}
    shop.write({**document, "services": {**document["services"], "page": web}})
    assert shop.run("up")[0] == first.replace("web-1", "page-1")
    shop.write({**document, "services": {**document["services"], "page": {**web, "links": ["db:database"]}}})
    shop.run("up")
    placed = {**web, "networks": {"default": {"ipv4_address": "10.66.0.80"}}}
    shop.write({**document, "services": {**document["services"], "page": placed}, "networks": {"default": ranged}})
    assert shop.run("up")[0] == first.replace("web-1", "page-1")
    ((address,),) = shop.containers()["shop-page-1"]["addresses"].values()
    assert address["addr"] == "10.66.0.80"
    moved = {**web, "networks": {"default": {"ipv4_address": "10.66.0.81"}}}
    shop.write({**document, "services": {**document["services"], "page": moved}, "networks": {"default": ranged}})
    assert shop.run("up")[0] == first.replace("web-1", "page-1")
    (forward,) = forwards(shop)
    assert (forward["internal_ip_address"], forward["external_port"]) == ("10.66.0.81", 8080)


def forwards(shop: Shop) -> list[dict[str, Any]]:
    (floating,) = shop.cloud.get("network", "/v2.0/floatingips")["floatingips"]
    path = f"/v2.0/floatingips/{floating['id']}/port_forwardings"
    found = shop.cloud.get("network", path)["port_forwardings"]
    return [dict(each) for each in found]


def test_a_service_that_fails(shop: Shop) -> None:
    shop.change("setup", command="false")
    code, said = shop.fails("up")
    assert (code, "was to end well and ended with exit code 1" in said) == (1, True), said
    assert "shop-web-1" not in shop.containers(), "it waits for what failed"
    shop.change("setup", command="true")
    shop.run("up")
    assert sorted(shop.containers()) == ["shop-db-1", "shop-setup-1", "shop-web-1"]


def test_a_file_with_a_volume_of_several(shop: Shop) -> None:
    shop.change("web", volumes=["data:/data:ro"])
    shop.run("up")
    (volume,) = shop.volumes().values()
    assert len(volume["attachments"]) == 2


def test_config_asks_no_cloud(shop: Shop, boxship: CommandLine) -> None:
    output, errors = shop.run("config")
    document = yaml.safe_load(output)
    assert "service:web:1" in document["resources"]
    assert "hush" not in output + errors
    assert "aHVzaC1odXNo" not in output
    done = boxship.run("compose", "config", "-f", str(shop.file), **WORDS)
    assert (done.returncode, done.stdout) == (0, output)


def test_the_cloud_takes_what_config_prints(shop: Shop, cloud: CommandLine, tmp_path: Path) -> None:
    template = tmp_path / "hot.yaml"
    template.write_text(shop.run("config")[0])
    rows = json.loads(
        cloud.ok("stack", "plan", str(template), "--parameter", "secret:password=aGk=", "--format", "json")
    )
    assert {row["change"] for row in rows} == {"added"}


def test_another_stack_is_left_alone(shop: Shop, cloud: CommandLine) -> None:
    template = {"heat_template_version": "2021-04-16", "resources": {"none": {"type": "OS::Heat::None"}}}
    shop.cloud.post("orchestration", "/stacks", {"stack_name": "other", "template": template})
    for verb in ("up", "down"):
        code, said = shop.fails(verb, "-p", "other")
        assert (code, "not made from a Compose file" in said) == (5, True)
    (stack,) = shop.cloud.get("orchestration", "/stacks", name="other")["stacks"]
    shop.cloud.delete("orchestration", f"/stacks/other/{stack['id']}")


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (
            {"networks": {"default": {"external": True, "name": "nowhere"}}},
            "networks.default: there is no network nowhere",
        ),
        ({"volumes": {"data": {"external": True}}}, "volumes.data: there is no volume data"),
        ({"services": {"web": {"build": "."}}}, "services.web.build: images are not built here"),
        ({"secrets": {"password": {"environment": "NOWHERE"}}}, "secrets.password.environment: the variable NOWHERE"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(shop: Shop, keys: dict[str, Any], said: str) -> None:
    shop.write({**SHOP, **keys})
    code, errors = shop.fails("up")
    assert (code, said in errors) == (1, True), errors
    assert shop.containers() == {}


def test_external_networks_and_volumes(shop: Shop) -> None:
    network = shop.cloud.post("network", "/v2.0/networks", {"network": {"name": "corporate"}})["network"]
    subnet = {"network_id": network["id"], "ip_version": 4, "cidr": "10.77.0.0/24"}
    shop.cloud.post("network", "/v2.0/subnets", {"subnet": subnet})
    volume = shop.cloud.post("block-storage", "/volumes", {"volume": {"name": "archive", "size": 1}})["volume"]
    service = {"image": "busybox", "command": "sleep 900", "volumes": ["old:/old"], "networks": ["office"]}
    shop.write(
        {
            "name": "shop",
            "services": {"web": service},
            "networks": {"office": {"external": True, "name": "corporate"}},
            "volumes": {"old": {"external": True, "name": "archive"}},
        }
    )
    shop.run("up")
    (made,) = shop.containers().values()
    assert list(made["addresses"]) == [network["id"]]
    shop.run("down", "--volumes")
    assert [row["id"] for row in shop.volumes().values()] == [volume["id"]], "it is not ours to remove"
    shop.cloud.delete("block-storage", f"/volumes/{volume['id']}")
    shop.cloud.delete("network", f"/v2.0/networks/{network['id']}")


def test_a_file_over_another_one(shop: Shop, tmp_path: Path) -> None:
    over = tmp_path / "small.yaml"
    over.write_text("services: {web: {mem_limit: 16m, ports: ['8090:80']}}")
    document = yaml.safe_load(shop.run("config", "-f", str(over))[0])
    assert document["resources"]["service:web:1"]["properties"]["memory"] == 16
    assert {"forward:web:1:8080:tcp", "forward:web:1:8090:tcp"} <= set(document["resources"])


def test_down_needs_no_file(cloud: CommandLine) -> None:
    done = cloud.run("compose", "down", "-p", "nothing")
    assert (done.returncode, done.stderr) == (0, "There is no stack nothing.\n")


def test_no_file(cloud: CommandLine) -> None:
    done = cloud.run("compose", "up")
    assert (done.returncode, "There is no compose.yaml" in done.stderr) == (4, True)
    done = cloud.run("compose", "up", "-f", "/nowhere.yaml")
    assert (done.returncode, "/nowhere.yaml" in done.stderr) == (4, True)
