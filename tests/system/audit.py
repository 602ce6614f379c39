"""What an installation has on this host, found with the kernel's and the engine's own tools, apart from the program's
drivers; and the comparison of that with what the API says there should be."""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
import subprocess
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from tests.system.installation import Installation
from tests.system.waiting import until

NETNS = Path("/run/netns")


@dataclass(frozen=True, slots=True)
class Sight:
    """Everything on the host that carries the mark or the paths of one installation."""

    namespaces: frozenset[str]
    links: frozenset[str]
    tables: frozenset[str]
    rules: frozenset[str]
    loops: frozenset[str]
    mounts: frozenset[str]
    processes: frozenset[str]
    containers: frozenset[str]
    images: frozenset[str]
    files: frozenset[str]

    def lines(self) -> list[str]:
        """One line per object."""
        return [f"{field.name}: {one}" for field in fields(self) for one in sorted(getattr(self, field.name))]


def look(state_dir: Path, mark: str, engine: Path) -> Sight:
    """One look at the whole host. An engine that is away has no containers."""
    return Sight(
        namespaces=frozenset(name for name in _names(NETNS) if name.startswith(f"boxship-{mark}-")),
        links=frozenset(link["ifname"] for link in _json("ip", "-j", "-d", "link") if _marked(link, mark)),
        tables=frozenset(table["name"] for table in _tables() if mark in table["name"] and "boxship" in table["name"]),
        rules=frozenset(rule for rule in _iptables() if f"boxship:{mark}" in rule or f"bs{mark}-" in rule),
        loops=frozenset(f"{loop['name']} {loop['back-file']}" for loop in _loops(state_dir)),
        mounts=frozenset(_mounts(state_dir, mark)),
        processes=frozenset(_processes(state_dir, mark)),
        containers=frozenset(name for name in _containers(engine, mark)),
        images=frozenset(_images(engine)),
        files=frozenset(_files(state_dir, mark)),
    )


def assert_nothing_left(installation: Installation, mark: str) -> None:
    """After ``destroy``: nothing on the host is this installation's."""
    sight = look(installation.state_dir, mark, installation.engine_socket)
    assert not sight.lines(), "left behind by destroy:\n" + "\n".join(sight.lines())


def _files(state_dir: Path, mark: str) -> list[str]:
    """The state directory, and notes for the runtime about containers in our sandboxes."""
    notes = [path for path in Path("/run/boxship").rglob("*") if path.is_file() and _names_us(path, mark)]
    return [str(path) for path in (state_dir, *notes) if path.exists()]


def _names_us(path: Path, mark: str) -> bool:
    try:
        return f"/{mark}/" in str(path) or f"boxship-{mark}-" in path.read_text(errors="replace")
    except OSError:
        return False


def _run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _json(*command: str) -> Any:
    return json.loads(_run(*command) or "[]")


def _names(directory: Path) -> list[str]:
    return [entry.name for entry in directory.iterdir()] if directory.is_dir() else []


def _marked(link: dict[str, Any], mark: str) -> bool:
    return link["ifname"].startswith(f"bs{mark}") or f"boxship:{mark}:" in link.get("ifalias", "")


def _tables() -> list[dict[str, Any]]:
    return [entry["table"] for entry in _json("nft", "-j", "list", "tables")["nftables"] if "table" in entry]


def _iptables() -> list[str]:
    found = []
    for program in ("iptables-save", "ip6tables-save"):
        done = subprocess.run([program], capture_output=True, text=True, check=False)
        found += done.stdout.splitlines() if done.returncode == 0 else []
    return found


def _loops(state_dir: Path) -> list[dict[str, Any]]:
    listed = _json("losetup", "-J", "-l", "-O", "NAME,BACK-FILE")
    loops = listed["loopdevices"] if listed else []
    return [loop for loop in loops if str(loop.get("back-file") or "").startswith(f"{state_dir}/")]


def _mounts(state_dir: Path, mark: str) -> list[str]:
    """Mount points of volumes, namespaces and what pods share, in the host's own mount namespace."""
    points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    ours = (f"{state_dir}/", f"{NETNS}/boxship-{mark}-", f"/run/boxship/pods/{mark}/")
    return [point for point in points if point.startswith(ours)]


def _processes(state_dir: Path, mark: str) -> list[str]:
    """Programs whose command line or environment names the installation, but for the tests themselves."""
    found = []
    for directory in Path("/proc").iterdir():
        if not directory.name.isdigit() or int(directory.name) == os.getpid():
            continue
        try:
            words = (directory / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            told = (directory / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        named = f"{state_dir}/" in words or words.endswith(str(state_dir)) or f"boxship-{mark}-" in words
        if named or f"BOXSHIP_STATE_DIR={state_dir}".encode() in told:
            found.append(f"{directory.name} {words[:200]}")
    return found


class _Socket(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=30)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(30)
        self.sock.connect(str(self._path))


def engine(path: Path, method: str, resource: str) -> Any:
    """One request of the Docker Engine API. OSError: nobody answers."""
    connection = _Socket(path)
    try:
        connection.request(method, resource)
        answer = connection.getresponse()
        content = answer.read()
    finally:
        connection.close()
    return json.loads(content) if content.strip() else None


def _containers(path: Path, mark: str) -> list[str]:
    """The names of containers with the mark, in any state."""
    try:
        listed = engine(path, "GET", "/containers/json?all=1")
    except OSError:
        return []
    return [name for one in listed for name in one["Names"] if mark in name and "boxship" in name]


def _images(path: Path) -> list[str]:
    """Images that were loaded from the image service: their repository is ours in every installation."""
    try:
        listed = engine(path, "GET", "/images/json")
    except OSError:
        return []
    return [tag for one in listed for tag in one["RepoTags"] or [] if tag.startswith("boxship.invalid/")]


# What the API says against what the kernel has.


def differences(installation: Installation) -> list[str]:
    """Leaks (on the host, of nobody), lacks (somebody's, not on the host) and doubles. Meant for a cloud at rest."""
    admin = installation.session("admin")
    mark = installation.mark
    containers = list(admin.pages("/container/v1/containers?all_projects=true", "containers", "uuid"))
    capsules = list(admin.pages("/container/v1/capsules?all_projects=true", "capsules", "uuid"))
    parts = [one for capsule in capsules for one in (*capsule["init_containers"], *capsule["containers"])]
    ports = list(admin.pages("/network/v2.0/ports", "ports"))
    sight = look(installation.state_dir, mark, installation.engine_socket)
    living = {one["uuid"]: one for one in (*containers, *parts)}
    made = {id for id, one in living.items() if one["status"] not in {"Error", "Creating", "Deleted"}}
    homes = {one["uuid"] for one in (*containers, *capsules)}
    at_home = (made & homes) | {one["uuid"] for one in capsules if one["status"] in {"Running", "Succeeded"}}
    engine_ids = _uuids(sight.containers)
    wired = {port["id"]: port for port in ports if port["device_id"] in at_home}
    return [
        *_compared("container", made, engine_ids, allowed=set(living)),
        *_doubles("container", sorted(sight.containers), engine_ids),
        *_compared("sandbox", at_home, _namespaces(sight, "sandbox"), allowed=homes),
        *_cables(mark, ports, wired),
        *_addresses(mark, wired),
        *_bridges(admin, mark),
        *_routers(admin, sight),
        *_volumes(admin, installation.state_dir, sight),
        *_bytes(admin, installation.state_dir),
        *_groups(admin, mark),
    ]


def assert_sound(installation: Installation, seconds: float = 15) -> None:
    """Wait until nothing differs. AssertionError: something does to the end."""
    last: list[str] = []

    def sound() -> bool:
        last[:] = differences(installation)
        return not last

    try:
        until(sound, "the host is as the database says", seconds, pause=0.3)
    except AssertionError as error:
        said = "\n".join(["the host differs from the database:", *last, installation.tail()])
        raise AssertionError(said) from error


def _uuids(names: frozenset[str]) -> set[str]:
    pattern = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
    return {match.group() for name in names if (match := pattern.search(name))}


def _namespaces(sight: Sight, role: str) -> set[str]:
    return {name.partition(f"-{role}-")[2] for name in sight.namespaces if f"-{role}-" in name}


def _compared(what: str, wanted: set[str], seen: set[str], allowed: set[str] | None = None) -> list[str]:
    """``allowed`` may be there and need not."""
    leaked = seen - wanted - (allowed or set())
    return [f"leaked {what} {id}" for id in sorted(leaked)] + [f"missing {what} {id}" for id in sorted(wanted - seen)]


def _doubles(what: str, names: list[str], ids: set[str]) -> list[str]:
    return [] if len(names) == len(ids) else [f"double {what}: {len(names)} of {len(ids)}: {names}"]


def _fabric_links(mark: str) -> list[dict[str, Any]]:
    found = _json("ip", "-n", f"boxship-{mark}-fabric", "-j", "link")
    return list(found)


def _aliased(mark: str, kind: str) -> list[str]:
    start = f"boxship:{mark}:{kind}:"
    return [link["ifalias"][len(start) :] for link in _fabric_links(mark) if link.get("ifalias", "").startswith(start)]


def _cables(mark: str, ports: list[dict[str, Any]], wired: dict[str, Any]) -> list[str]:
    seen = _aliased(mark, "port")
    known = {port["id"] for port in ports}
    return [*_compared("port", set(wired), set(seen), allowed=known), *_doubles("port", seen, set(seen))]


def _addresses(mark: str, wired: dict[str, dict[str, Any]]) -> list[str]:
    """Every address of the database on the device in the sandbox, and no other; none twice on a network."""
    found, taken = [], set()
    sandboxes = {port["device_id"] for port in wired.values()}
    for sandbox in sorted(sandboxes):
        wanted = {
            (port["mac_address"], fixed["ip_address"])
            for port in wired.values()
            if port["device_id"] == sandbox
            for fixed in port["fixed_ips"]
        }
        try:
            links = _json("ip", "-n", f"boxship-{mark}-sandbox-{sandbox}", "-j", "addr")
        except subprocess.CalledProcessError:
            found.append(f"missing sandbox {sandbox}")
            continue
        seen = {
            (link["address"], address["local"])
            for link in links
            for address in link.get("addr_info", [])
            if link["ifname"] != "lo" and address["scope"] == "global"
        }
        found += [f"address of {sandbox}: {pair} only in the database" for pair in sorted(wanted - seen)]
        found += [f"address of {sandbox}: {pair} only in the kernel" for pair in sorted(seen - wanted)]
    for port in wired.values():
        for fixed in port["fixed_ips"]:
            key = (port["network_id"], fixed["ip_address"])
            found += [f"address {key} is given twice"] if key in taken else []
            taken.add(key)
    return found


def _bridges(admin: Any, mark: str) -> list[str]:
    networks = {network["id"] for network in admin.pages("/network/v2.0/networks", "networks")}
    return _compared("network", networks, set(_aliased(mark, "network")))


def _routers(admin: Any, sight: Sight) -> list[str]:
    routers = {router["id"] for router in admin.pages("/network/v2.0/routers", "routers")}
    return _compared("router", routers, _namespaces(sight, "router"))


def _volumes(admin: Any, state_dir: Path, sight: Sight) -> list[str]:
    """Loop devices and mounts: one of each per volume in use and per share, and of no other than existing ones."""
    project = admin.project_id
    listed = admin.ask("GET", f"/volume/v3/{project}/volumes/detail?all_tenants=true")["volumes"]
    shares = admin.ask("GET", "/share/v2/shares/detail?all_tenants=true")["shares"]
    known = {one["id"] for one in (*listed, *shares)}
    used = {volume["id"] for volume in listed if volume["status"] == "in-use"}
    used |= {share["id"] for share in shares if share["status"] == "available"}
    looped = _volume_ids(line.split(" ", 1)[1] for line in sight.loops)
    own = [
        point for point in sight.mounts if not point.startswith(f"{state_dir}/exports/served")
    ]  # the same shares again
    mounted = _volume_ids(point for point in own if point.startswith(f"{state_dir}/"))
    found = []
    for what, seen in (("loop device", looped), ("mount", mounted)):
        found += _compared(what, used, set(seen), allowed=known) + _doubles(what, seen, set(seen))
    return found


_RESTING = frozenset({"available", "in-use"})
"""States in which the bytes are there; in any other they may be."""


def _bytes(admin: Any, state_dir: Path) -> list[str]:
    """Files of volumes, shares, snapshots and backups: one of each that exists, of nobody else, and none that is half made."""
    cinder, manila = f"/volume/v3/{admin.project_id}", "/share/v2"
    places = (
        (cinder, "volumes", state_dir / "volumes" / "files"),
        (cinder, "snapshots", state_dir / "volumes" / "snapshots"),
        (cinder, "backups", state_dir / "backups"),
        (manila, "shares", state_dir / "shares" / "files"),
        (manila, "snapshots", state_dir / "shares" / "snapshots"),
    )
    found = []
    for service, resource, place in places:
        listed = admin.ask("GET", f"{service}/{resource}/detail?all_tenants=true")[resource]
        wanted = {one["id"] for one in listed if one["status"] in _RESTING}
        names = [file.name for file in place.glob("*/*.json" if resource == "backups" else "*")]
        seen = _volume_ids(name for name in names if not name.endswith(".new"))
        found += _compared(f"bytes of {resource}", wanted, set(seen), allowed={one["id"] for one in listed})
        found += [f"half made {place / name}" for name in names if name.endswith(".new")]
    return found


def _volume_ids(paths: Any) -> list[str]:
    pattern = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
    return [match.group() for path in paths if (match := pattern.search(path))]


def _groups(admin: Any, mark: str) -> list[str]:
    """Chains of security groups in nft: none of a group that is gone."""
    known = {group["id"] for group in admin.pages("/network/v2.0/security-groups", "security_groups")}
    listed = json.loads(_run("ip", "netns", "exec", f"boxship-{mark}-fabric", "nft", "-j", "list", "chains"))[
        "nftables"
    ]
    names = [entry["chain"]["name"] for entry in listed if "chain" in entry]
    seen = {name[2:-3].replace("_", "-") for name in names if re.fullmatch(r"g_.*_in", name)}
    return [f"leaked group {id}" for id in sorted(seen - known)]
