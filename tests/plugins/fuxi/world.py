"""The plugin between Docker and a small cloud: volume calls as Docker makes them, plugins on several hosts, and what is left."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml
from openstack.config import OpenStackConfig

from boxship.plugins import cloud as clouds
from boxship.plugins.docker import places
from boxship.plugins.fuxi import calls, mounts
from boxship.plugins.fuxi.host import Host
from boxship.plugins.fuxi.options import Defaults
from tests.plugins.caller import Caller, serving
from tests.plugins.fuxi import fake

GIB = fake.GIB


class Docker(Caller):
    """What a Docker engine does with the plugin of its host."""

    def __init__(self, path: Path, host: Host, stack: ExitStack) -> None:
        super().__init__(path)
        self.host = host
        self._stack = stack

    def create(self, name: str, **options: str) -> None:
        """``docker volume create``, when ``Get`` found none."""
        assert self.call("VolumeDriver.Create", {"Name": name, "Opts": options or None}) == {"Err": ""}

    def remove(self, name: str) -> None:
        self.call("VolumeDriver.Remove", {"Name": name})

    def mount(self, name: str, id: str = "one") -> Path:
        """A container begins to use a volume; where it is."""
        return Path(self.call("VolumeDriver.Mount", {"Name": name, "ID": id})["Mountpoint"])

    def unmount(self, name: str, id: str = "one") -> None:
        self.call("VolumeDriver.Unmount", {"Name": name, "ID": id})

    def get(self, name: str) -> dict[str, Any]:
        found = self.call("VolumeDriver.Get", {"Name": name})["Volume"]
        assert isinstance(found, dict)
        return found

    def status(self, name: str) -> dict[str, Any]:
        """What ``docker volume inspect`` shows as the status."""
        return dict(self.get(name)["Status"])

    def names(self) -> list[str]:
        return [volume["Name"] for volume in self.call("VolumeDriver.List")["Volumes"]]

    def stop(self) -> None:
        """The plugin ends; what is mounted stays."""
        self._stack.close()


class World:
    """The cloud, and as many plugins as a test starts."""

    def __init__(self, directory: Path, cloud: fake.Cloud, url: str) -> None:
        self.directory = directory
        self.cloud = cloud
        self.url = url
        self._stack = ExitStack()
        self.docker = self.plugin()

    def plugin(self, directory: str = "volumes", **said: Any) -> Docker:
        """A plugin, as on another host or started anew."""
        defaults = Defaults(**said.pop("defaults", {}))
        host = Host("here", self.directory / directory, "127.0.0.1", defaults, timeout=10, quick=5)
        host = replace(host, **said)
        stack = ExitStack()
        path = self.directory / f"{secrets.token_hex(4)}.sock"
        plugin = stack.enter_context(calls.plugin(host, client(self.directory, self.url)))
        listener = stack.enter_context(places.listening(path))
        stack.enter_context(serving(plugin, listener))
        stack.callback(plugin.close)
        self._stack.callback(stack.close)
        return Docker(path, host, stack)

    def again(self) -> Docker:
        """The plugin of this host ends and is started anew."""
        self.docker.stop()
        self.docker = self.plugin()
        return self.docker

    def volume(self, name: str) -> dict[str, Any]:
        """The volume of the cloud that has this name in Docker."""
        (found,) = [one for one in self.cloud.volumes.values() if one["metadata"].get("docker_volume_name") == name]
        return found

    def share(self, name: str) -> dict[str, Any]:
        """The share of the cloud that has this name in Docker."""
        (found,) = [one for one in self.cloud.shares.values() if one["metadata"].get("docker_volume_name") == name]
        return found

    def brought(self, size: int = 1, **values: Any) -> str:
        """A volume of a user's own in the cloud; its id."""
        body = {"volume": {"name": "own", "size": size, **values}}
        found = self.cloud.answer("POST", "/volume/v3/volumes", body)
        assert found is not None
        found["volume"]["status"] = self.cloud.volumes[found["volume"]["id"]]["status"] = "available"
        return str(found["volume"]["id"])

    def mounted(self) -> list[mounts.Mount]:
        """What plugins have mounted."""
        return [mount for mount in mounts.mounts() if mount.point.parent.name == "data" and self._is_ours(mount)]

    def _is_ours(self, mount: mounts.Mount) -> bool:
        return mount.point.is_relative_to(self.directory)

    def check(self) -> None:
        """Nothing is left mounted or attached by plugins."""
        assert self.mounted() == []
        assert [one for one in self.cloud.attachments.values() if one["server"] is None and one["host"] == "here"] == []

    def close(self) -> None:
        self._stack.close()
        for mount in reversed(self.mounted()):
            mounts.unmount(mount.point)


def client(directory: Path, url: str) -> clouds.Cloud:
    """The cloud as a clouds.yaml describes it."""
    path = directory / f"clouds-{secrets.token_hex(4)}.yaml"
    entry = {
        "auth_type": "admin_token",
        "auth": {"endpoint": url, "token": "x"},
        "block_storage_endpoint_override": f"{url}/volume/v3",
        "shared_file_system_endpoint_override": f"{url}/share/v2",
    }
    path.write_text(yaml.safe_dump({"clouds": {"test": entry}}))
    return clouds.Cloud(OpenStackConfig(config_files=[str(path)]).get_one("test"))


@contextmanager
def running(directory: Path) -> Iterator[World]:
    """A world with its files in the directory; nothing is left of it."""
    (directory / "cloud").mkdir()
    cloud = fake.Cloud(directory / "cloud")
    with fake.serving(cloud) as url:
        world = World(directory, cloud, url)
        try:
            yield world
        finally:
            cloud.mode = "open"
            cloud.opened.set()
            world.close()
