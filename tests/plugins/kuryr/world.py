"""The plugin between Docker and a cloud, without Docker: calls as libnetwork makes them over a real UNIX socket, and a cloud
with fake drivers that is asked over HTTP by openstacksdk. The cloud and the plugin run in threads with loops of their own.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import uvicorn
import yaml
from openstack.config import OpenStackConfig

from boxship.plugins.docker import places
from boxship.plugins.kuryr import calls
from boxship.plugins.kuryr.host import Host
from boxship.plugins.kuryr.neutron import Cloud
from tests import cloud
from tests.plugins.caller import Caller, Refused, serving

Document = dict[str, Any]


def docker_id() -> str:
    """An id as Docker makes them."""
    return secrets.token_hex(32)


def docker_mac() -> str:
    """A MAC as Docker makes them for endpoints."""
    return f"02:42:{':'.join(secrets.token_hex(1) for _ in range(4))}"


class Docker(Caller):
    """What libnetwork does with a plugin: the calls, and the order in which it makes them."""

    def pool(self, range_: str = "", **said: Any) -> Document:
        """RequestPool."""
        body = {"AddressSpace": "kuryr", "Pool": range_, "SubPool": "", "Options": {}, "V6": ":" in range_}
        return self.call("IpamDriver.RequestPool", body | said)

    def gateway(self, pool_id: str, address: str = "") -> str:
        """RequestAddress for a gateway, as when a network is made."""
        said = {"PoolID": pool_id, "Address": address, "Options": {"RequestAddressType": "com.docker.network.gateway"}}
        return str(self.call("IpamDriver.RequestAddress", said)["Address"])

    def address(self, pool_id: str, mac: str, address: str = "") -> str:
        """RequestAddress for an endpoint."""
        said = {"PoolID": pool_id, "Address": address, "Options": {"com.docker.network.endpoint.macaddress": mac}}
        return str(self.call("IpamDriver.RequestAddress", said)["Address"])

    def create(
        self, *ranges: str, options: Document | None = None, ipam: Document | None = None, **said: Any
    ) -> Network:
        """``docker network create``: pools, gateways, auxiliary addresses, the network; what was made is released when it fails.

        ``said``: ``gateway``, ``part``, ``auxiliary`` of the first range, ``internal``, ``id``, ``v6``.
        """
        made = Network(self, said.get("id") or docker_id())
        try:
            for at, range_ in enumerate(ranges or ("",)):
                self._add_range(made, range_, ipam or {}, said if at == 0 else {})
            generic = {"com.docker.network.generic": options or {}}
            inside = {"com.docker.network.internal": True} if said.get("internal") else {}
            body = {
                "NetworkID": made.id,
                "Options": generic | inside,
                "IPv4Data": made.data(4),
                "IPv6Data": made.data(6),
            }
            self.call("NetworkDriver.CreateNetwork", body)
        except Refused:
            made.release()
            raise
        return made

    def _add_range(self, made: Network, range_: str, ipam: Document, said: Document) -> None:
        v6 = ":" in range_ or bool(said.get("v6"))
        pool = self.pool(range_, SubPool=said.get("part", ""), Options=ipam, V6=v6)
        made.pools.append(pool["PoolID"])
        gateway = (pool.get("Data") or {}).get("com.docker.network.gateway", "")
        if said.get("gateway") or not gateway:
            gateway = self.gateway(pool["PoolID"], said.get("gateway", ""))
        auxiliary = {}
        for name, ip in (said.get("auxiliary") or {}).items():
            body = {"PoolID": pool["PoolID"], "Address": ip, "Options": {}}
            auxiliary[name] = self.call("IpamDriver.RequestAddress", body)["Address"]
        made.ranges.append(
            {"AddressSpace": "kuryr", "Pool": pool["Pool"], "Gateway": gateway, "AuxAddresses": auxiliary}
        )


@dataclass
class Network:
    """A Docker network: what Docker knows of it."""

    docker: Docker
    id: str
    pools: list[str] = field(default_factory=list)
    ranges: list[Document] = field(default_factory=list)

    def data(self, version: int) -> list[Document]:
        return [range_ for range_ in self.ranges if (":" in range_["Pool"]) == (version == 6)]

    def run(
        self, *ips: str, mac: str = "", exposed: tuple[tuple[int, int], ...] = (), options: Document | None = None
    ) -> Endpoint:
        """``docker run --network``: addresses, endpoint, join; everything is taken back when it fails."""
        made = Endpoint(self, docker_id(), mac or docker_mac())
        try:
            for at, pool in enumerate(self.pools):
                made.addresses.append(self.docker.address(pool, made.mac, ips[at] if at < len(ips) else ""))
            ports = [{"Proto": protocol, "Port": port} for protocol, port in exposed]
            said = {"com.docker.network.endpoint.exposedports": ports} | (options or {})
            body = made.named() | {"Interface": made.interface(), "Options": said}
            made.answer = self.docker.call("NetworkDriver.CreateEndpoint", body)
            made.joined = self.docker.call("NetworkDriver.Join", made.named() | {"SandboxKey": "/x", "Options": {}})
            self.docker.call("NetworkDriver.ProgramExternalConnectivity", made.named() | {"Options": said})
        except Refused:
            made.release()
            raise
        return made

    def remove(self, *, release_first: bool = True) -> None:
        """``docker network rm``, as Docker 20.10 does it, or the other way round."""
        if release_first:
            self.release()
        self.docker.call("NetworkDriver.DeleteNetwork", {"NetworkID": self.id})
        if not release_first:
            self.release()

    def release(self) -> None:
        for at, pool in enumerate(self.pools):
            if at < len(self.ranges):
                gateway = self.ranges[at]["Gateway"]
                for address in (*self.ranges[at]["AuxAddresses"].values(), gateway):
                    said = {"PoolID": pool, "Address": address.partition("/")[0]}
                    self.docker.call("IpamDriver.ReleaseAddress", said)
            self.docker.call("IpamDriver.ReleasePool", {"PoolID": pool})


@dataclass
class Endpoint:
    """An endpoint: what Docker knows of it."""

    network: Network
    id: str
    mac: str
    addresses: list[str] = field(default_factory=list)
    answer: Document = field(default_factory=dict)
    joined: Document = field(default_factory=dict)

    def named(self) -> Document:
        return {"NetworkID": self.network.id, "EndpointID": self.id}

    def interface(self) -> Document:
        v4 = next((address for address in self.addresses if ":" not in address), "")
        v6 = next((address for address in self.addresses if ":" in address), "")
        return {"Address": v4, "AddressIPv6": v6, "MacAddress": self.mac}

    @property
    def ips(self) -> list[str]:
        return [address.partition("/")[0] for address in self.addresses]

    def stop(self) -> None:
        """``docker rm -f``."""
        docker = self.network.docker
        docker.call("NetworkDriver.RevokeExternalConnectivity", self.named())
        docker.call("NetworkDriver.Leave", self.named())
        docker.call("NetworkDriver.DeleteEndpoint", self.named())
        self.release()

    def release(self) -> None:
        for pool, ip in zip(self.network.pools, self.ips, strict=False):
            self.network.docker.call("IpamDriver.ReleaseAddress", {"PoolID": pool, "Address": ip})


class World:
    """The cloud, and as many plugins as a test starts."""

    def __init__(self, directory: Path, url: str, program: cloud.Cloud) -> None:
        self.directory = directory
        self.url = url
        self.cloud = program
        self.host = Host(program.program.settings.host_name)
        self._stack = ExitStack()
        self._client = httpx.Client(base_url=f"{url}/network/v2.0", timeout=30)
        self.docker = self.plugin()

    def plugin(self, url: str = "", user: str = "kuryr", **said: Any) -> Docker:
        """Another plugin, as on another host, or with other settings; ``url`` is that of its cloud."""
        path = self.directory / f"{secrets.token_hex(4)}.sock"
        plugin = calls.plugin(replace(self.host, **said), client(self.directory, url or f"{self.url}/network", user))
        listener = self._stack.enter_context(places.listening(path))
        self._stack.enter_context(serving(plugin, listener))
        self._stack.callback(plugin.close)
        return Docker(path)

    def ask(self, method: str, path: str, body: object = None, user: str = "kuryr") -> Document:
        """What the API says to a user."""
        answer = self._client.request(method, path, json=body, headers={"X-Auth-Token": user})
        assert answer.status_code < 400, f"{method} {path}: {answer.text}"
        found = answer.json() if answer.content else {}
        assert isinstance(found, dict)
        return found

    def make(self, kind: str, user: str = "alice", /, **values: object) -> Document:
        """Something of a user's own."""
        path = {"subnetpool": "subnetpools", "security_group": "security-groups"}.get(kind, f"{kind}s")
        found = self.ask("POST", f"/{path}", {kind: values}, user)[kind]
        assert isinstance(found, dict)
        return found

    def all(self, kind: str, **filters: str) -> list[Document]:
        """Everything of a kind that the project has."""
        query = "&".join(
            f"{name}={value}" for name, value in {"project_id": cloud.PROJECTS["kuryr"], **filters}.items()
        )
        found = self.ask("GET", f"/{kind}?{query}")[kind.replace("-", "_")]
        assert isinstance(found, list)
        return found

    def port(self, endpoint: Endpoint) -> Document:
        """The port of an endpoint."""
        (found,) = self.all("ports", device_id=endpoint.id)
        return found

    def nothing_left(self) -> bool:
        """Whether the project has nothing of a plugin's, and no port but those of services."""
        groups = [group for group in self.all("security-groups") if group["name"] != "default"]
        ports = [port for port in self.all("ports") if not port["device_owner"].startswith("network:")]
        return not (groups or ports or self.all("networks") or self.all("subnets") or self.all("subnetpools"))

    def wipe(self) -> None:
        """Remove everything that a test left in the cloud, for the next one."""
        for port in self.ask("GET", "/ports", user="admin")["ports"]:
            if not port["device_owner"].startswith("network:"):
                self.ask("DELETE", f"/ports/{port['id']}", user="admin")
        for kind in ("networks", "subnetpools", "security-groups"):
            for row in self.ask("GET", f"/{kind}", user="admin")[kind.replace("-", "_")]:
                if row["name"] not in {"default", "public"}:
                    self.ask("DELETE", f"/{kind}/{row['id']}", user="admin")

    def stop(self) -> None:
        """End the plugins."""
        self._stack.close()

    def close(self) -> None:
        self._client.close()


def client(directory: Path, url: str, user: str = "kuryr") -> Cloud:
    """A cloud as a clouds.yaml describes it; the users of ``tests.cloud`` have their names as tokens."""
    path = directory / f"clouds-{secrets.token_hex(4)}.yaml"
    entry = {"auth_type": "admin_token", "auth": {"endpoint": url, "token": user}, "network_endpoint_override": url}
    path.write_text(yaml.safe_dump({"clouds": {"test": entry}}))
    return Cloud(OpenStackConfig(config_files=[str(path)]).get_one("test"))


class CloudThread:
    """A cloud of ``tests.cloud`` with a loop and a thread of its own."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._up = threading.Event()
        self._down: Callable[[], object] = lambda: None
        self.cloud: cloud.Cloud | None = None
        self.thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    async def _run(self) -> None:
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        self._down = lambda: loop.call_soon_threadsafe(ended.set)
        async with cloud.running(self._directory) as made:
            listener = socket.create_server(("127.0.0.1", 0))
            config = uvicorn.Config(made.program.server, log_config=None, access_log=False, lifespan="off", ws="none")
            server = uvicorn.Server(config)
            serving = asyncio.create_task(server._serve([listener]))
            self.cloud, self.url = made, f"http://127.0.0.1:{listener.getsockname()[1]}"
            self._up.set()
            await ended.wait()
            server.should_exit = True
            await serving

    def start(self) -> None:
        self.thread.start()
        assert self._up.wait(30)

    def stop(self) -> None:
        self._down()
        self.thread.join(30)


@contextmanager
def running(directory: Path, thread: CloudThread) -> Iterator[World]:
    """A world with its files in the directory, in a cloud that is as empty afterwards as before."""
    assert thread.cloud is not None
    world = World(directory, thread.url, thread.cloud)
    try:
        yield world
    finally:
        world.stop()
        world.wipe()
        world.close()
