"""The cloud is away, slow, broken or of another kind; Docker sends what it should not. Every call is answered, in time."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from boxship.plugins.kuryr.calls import calls
from boxship.plugins.kuryr.host import Host
from tests.plugins.caller import Refused
from tests.plugins.kuryr import front as fronts
from tests.plugins.kuryr.world import World

CALLS = sorted(calls(Host("here")))
ASKING = {
    "/NetworkDriver.CreateNetwork": {"NetworkID": "a1", "IPv4Data": [{"Pool": "10.9.0.0/24"}]},
    "/NetworkDriver.DeleteNetwork": {"NetworkID": "a1"},
    "/NetworkDriver.CreateEndpoint": {"NetworkID": "a1", "EndpointID": "b1"},
    "/NetworkDriver.EndpointOperInfo": {"NetworkID": "a1", "EndpointID": "b1"},
    "/NetworkDriver.DeleteEndpoint": {"NetworkID": "a1", "EndpointID": "b1"},
    "/NetworkDriver.Join": {"NetworkID": "a1", "EndpointID": "b1"},
    "/IpamDriver.RequestPool": {"Pool": "10.9.0.0/24"},
    "/IpamDriver.RequestAddress": {"PoolID": "pool/p1/10.9.0.0/24"},
    "/IpamDriver.ReleasePool": {"PoolID": "pool/p1/10.9.0.0/24"},
    "/IpamDriver.ReleaseAddress": {"PoolID": "subnet/s1", "Address": "10.9.0.2"},
}
"""Calls that nobody can answer without the cloud."""
SILENT = {
    "/Plugin.Activate": {"Implements": ["NetworkDriver", "IpamDriver"]},
    "/NetworkDriver.GetCapabilities": {"Scope": "local"},
    "/NetworkDriver.DiscoverNew": {},
    "/NetworkDriver.DiscoverDelete": {},
    "/NetworkDriver.AllocateNetwork": {"Options": {}},
    "/NetworkDriver.FreeNetwork": {},
    "/IpamDriver.GetCapabilities": {"RequiresMACAddress": True},
    "/IpamDriver.GetDefaultAddressSpaces": {
        "LocalDefaultAddressSpace": "kuryr", "GlobalDefaultAddressSpace": "kuryr-global",
    },
}  # fmt: skip


@pytest.fixture
def front(world: World) -> Iterator[fronts.Front]:
    with fronts.before(world) as made:
        yield made


def test_there_are_all_calls() -> None:
    assert len(CALLS) == 21


@pytest.mark.parametrize("mode", ["silent", "broken", "absent"])
def test_docker_is_answered_whatever_the_cloud_does(world: World, front: fronts.Front, mode: str) -> None:
    front.mode = mode
    docker = world.plugin(url="http://127.0.0.1:1" if mode == "absent" else front.url, timeout=0.5)
    for path, answer in SILENT.items():
        assert docker.raw("POST", path, b"{}") == (200, answer)
    for path, body in ASKING.items():
        began = time.monotonic()
        status, answer = docker.raw("POST", path, json.dumps(body).encode())
        assert (status, list(answer)) == (503, ["Err"]), (path, answer)
        assert "cloud" in answer["Err"]
        assert time.monotonic() - began < 20, path  # as long as the test's own client waits would be no answer


def test_the_cloud_comes_back(world: World, front: fronts.Front) -> None:
    docker = world.plugin(url=front.url, timeout=10.0)
    front.mode = "broken"
    with pytest.raises(Refused):
        docker.create("10.9.0.0/24")
    front.mode = "open"
    network = docker.create("10.9.0.0/24")
    network.run().stop()
    network.remove()
    assert world.nothing_left()


def test_an_end_that_the_cloud_did_not_hear_of(world: World, front: fronts.Front) -> None:
    """Docker goes on when a container's end cannot be told; the end of its network tidies up."""
    docker = world.plugin(url=front.url)
    network = docker.create("10.9.0.0/24")
    endpoint = network.run(exposed=((6, 80),))
    front.mode = "broken"
    with pytest.raises(Refused):
        endpoint.stop()
    front.mode = "open"
    network.docker = world.plugin()
    network.remove()
    assert world.nothing_left()


def test_a_cloud_without_subnet_pools(world: World, front: fronts.Front) -> None:
    front.edit = _without("subnet_allocation")
    with pytest.raises(Refused, match="lacks the Networking API's extension subnet_allocation"):
        world.plugin(url=front.url).create("10.9.0.0/24")


def test_a_cloud_without_tags(world: World, front: fronts.Front) -> None:
    """Names do for what we make; what was there before could not be given back."""
    front.edit = _without("standard-attr-tag")
    docker = world.plugin(url=front.url)
    network = docker.create("10.9.0.0/24")
    assert world.all("networks")[0]["tags"] == []
    network.run(exposed=((6, 80),)).stop()
    id = world.all("networks")[0]["id"]
    world.make("port", network_id=id, fixed_ips=[{"ip_address": "10.9.0.9"}])
    with pytest.raises(Refused, match="a cloud without tags"):
        network.run("10.9.0.9")
    other = docker.create("10.9.0.0/24", options={"neutron.net.uuid": id})
    endpoint = other.run()
    assert world.port(endpoint)["network_id"] == id
    endpoint.stop()
    other.remove()
    assert [group["name"] for group in world.all("security-groups")] == ["default"]
    assert [subnet["cidr"] for subnet in world.all("subnets")] == ["10.9.0.0/24"]


def _without(alias: str) -> fronts.Edit:
    def edit(path: str, status: int, body: Any) -> tuple[int, Any]:
        missing = {"NeutronError": {"type": "ExtensionNotFound", "message": "no", "detail": ""}}
        return (404, missing) if path == f"/v2.0/extensions/{alias}" else (status, body)

    return edit


class Elsewhere:
    """Makes the cloud another Neutron: ports are bound as its agents would, and are active at once."""

    def __init__(self, vif_type: str, **details: object) -> None:
        self._vif_type = vif_type
        self._details = details

    def __call__(self, path: str, status: int, body: Any) -> tuple[int, Any]:
        if path.endswith(("/boxship-host-plug",)):
            return _without("boxship-host-plug")(path, status, body)
        for port in _ports(body):
            if port.get("binding:host_id"):
                port |= {"binding:vif_type": self._vif_type, "binding:vif_details": self._details, "status": "ACTIVE"}
        return status, body


def _ports(body: Any) -> list[dict[str, Any]]:
    if not isinstance(body, dict):
        return []
    return [*body.get("ports", ()), *([body["port"]] if "port" in body else [])]


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="devices need root")


@needs_root
def test_a_cloud_with_linux_bridges(world: World, front: fronts.Front) -> None:
    front.edit = Elsewhere("bridge")
    network = world.plugin(url=front.url).create("10.9.0.0/24", options={"com.docker.network.driver.mtu": "1400"})
    bridge = f"brq{world.all('networks')[0]['id'][:11]}"
    try:
        endpoint = network.run()
        port = world.port(endpoint)
        tap, far = Path(f"/sys/class/net/tap{port['id'][:11]}"), Path(f"/sys/class/net/t_c{port['id'][:11]}")
        assert endpoint.joined["InterfaceName"]["SrcName"] == far.name
        assert (tap / "master").readlink().name == bridge
        assert (far / "address").read_text().strip() == endpoint.mac
        assert (far / "mtu").read_text().strip() == "1400"
        endpoint.stop()
        assert not tap.exists()
        assert not far.exists()
    finally:
        subprocess.run(["ip", "link", "delete", bridge], check=True)


@needs_root
def test_a_cloud_with_open_vswitch(
    world: World, front: fronts.Front, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = tmp_path / "said"
    program = tmp_path / "ovs-vsctl"
    program.write_text(f'#!/bin/sh\necho "$@" >> {said}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    front.edit = Elsewhere("ovs", bridge_name="br-test")
    network = world.plugin(url=front.url).create("10.9.0.0/24")
    endpoint = network.run()
    port = world.port(endpoint)
    endpoint.stop()
    added, removed = said.read_text().splitlines()
    tap = f"tap{port['id'][:11]}"
    assert added.startswith(f"--may-exist add-port br-test {tap} -- set Interface {tap} ")
    assert f'external-ids:iface-id="{port["id"]}"' in added
    assert f'external-ids:attached-mac="{endpoint.mac}"' in added
    assert removed == f"--if-exists del-port {tap}"
    assert not Path(f"/sys/class/net/{tap}").exists()


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (Elsewhere("hw_veb"), "Ports of the type hw_veb cannot be given to Docker"),
        (Elsewhere("ovs", ovs_hybrid_plug=True), "ovs with ovs_hybrid_plug"),
        (Elsewhere("binding_failed"), "did not bind the port"),
    ],
)
def test_a_cloud_with_ports_that_docker_cannot_have(
    world: World, front: fronts.Front, edit: fronts.Edit, reason: str
) -> None:
    front.edit = edit
    network = world.plugin(url=front.url).create("10.9.0.0/24")
    with pytest.raises(Refused, match=reason):
        network.run()
    network.remove()
    assert world.nothing_left()


# Bodies.


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/Plugin.Activate", b"", 405),
        ("POST", "/", b"", 404),
        ("POST", "/NetworkDriver.Nonsense", b"{}", 404),
        ("POST", "/NetworkDriver.DeleteNetwork", b"", 400),
        ("POST", "/NetworkDriver.DeleteNetwork", b"{", 400),
        ("POST", "/NetworkDriver.DeleteNetwork", b"[]", 400),
        ("POST", "/NetworkDriver.DeleteNetwork", b'{"NetworkID": 7}', 400),
        ("POST", "/NetworkDriver.DeleteNetwork", b'{"NetworkID": "../x"}', 400),
        ("POST", "/NetworkDriver.DeleteNetwork", b'{"NetworkID": "a,b"}', 400),
        ("POST", "/NetworkDriver.DeleteNetwork", b'{"NetworkID": "' + b"a" * 65 + b'"}', 400),
        ("POST", "/NetworkDriver.DeleteNetwork", b"[" * 100_000, 400),
        ("POST", "/NetworkDriver.DeleteNetwork", b"\xff\xfe", 400),
        ("POST", "/NetworkDriver.DeleteNetwork", b" " * ((1 << 20) + 1), 413),
        ("POST", "/IpamDriver.RequestPool", b'{"Pool": "10.9.0.0"}', 400),
        ("POST", "/IpamDriver.RequestPool", b'{"Pool": "10.9.0.1/24"}', 400),
        ("POST", "/IpamDriver.RequestPool", b'{"Pool": "fd00::/64"}', 400),
        ("POST", "/IpamDriver.RequestPool", b'{"SubPool": "10.9.0.0/24"}', 400),
        ("POST", "/IpamDriver.RequestAddress", b'{"PoolID": "x"}', 400),
        ("POST", "/IpamDriver.RequestAddress", b'{"PoolID": "pool/x"}', 400),
        ("POST", "/IpamDriver.RequestAddress", b'{"PoolID": "subnet/../../ports"}', 400),
        ("POST", "/IpamDriver.ReleaseAddress", b'{"PoolID": "subnet/x", "Address": "nowhere"}', 400),
        ("POST", "/NetworkDriver.CreateNetwork", b'{"NetworkID": "a1", "IPv4Data": []}', 400),
        ("POST", "/NetworkDriver.CreateNetwork", b'{"NetworkID": "a1", "IPv4Data": [{"Pool": "x"}]}', 400),
    ],
)
def test_bodies_that_docker_does_not_send(world: World, method: str, path: str, body: bytes, status: int) -> None:
    found, answer = world.docker.raw(method, path, body)
    assert (found, list(answer)) == (status, ["Err"])
    assert "Traceback" not in answer["Err"]


def test_any_body_is_answered(world: World) -> None:
    words = st.sampled_from(
        ["NetworkID", "EndpointID", "Options", "IPv4Data", "IPv6Data", "Interface", "Address", "Pool", "PoolID", "SubPool",
         "Gateway", "AuxAddresses", "MacAddress", "V6", "com.docker.network.generic", "neutron.net.uuid",
         "com.docker.network.endpoint.exposedports"]
    )  # fmt: skip
    leaves = st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20),
        st.sampled_from(["a1", "10.9.0.0/24", "10.9.0.1", "fd09::/64", "0.0.0.0/0", "pool/p1/10.9.0.0/24", "subnet/s1"]),
    )  # fmt: skip
    values = st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=6), max_leaves=12
    )
    bodies = st.one_of(
        st.dictionaries(words, values, max_size=8).map(lambda body: json.dumps(body).encode()), st.binary()
    )

    @given(path=st.sampled_from(CALLS), body=bodies)
    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    def answered(path: str, body: bytes) -> None:
        status, answer = world.docker.raw("POST", path, body)
        assert status in {200, 400, 403, 404, 409}, (path, body, answer)
        assert status == 200 or list(answer) == ["Err"]

    answered()


def test_what_speaks_no_http_is_shown_the_door(world: World) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as raw:
        raw.settimeout(10)
        raw.connect(str(world.docker.path))
        raw.sendall(b"\x16\x03\x01 hello\r\n\r\n")
        assert b"400" in raw.recv(200)
    assert world.docker.call("Plugin.Activate")["Implements"] == ["NetworkDriver", "IpamDriver"]


def test_the_socket_is_roots_alone(world: World) -> None:
    assert stat.S_IMODE(world.docker.path.stat().st_mode) == 0o600
