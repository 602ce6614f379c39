"""A small cloud: the part of Cinder's and Manila's APIs that Fuxi asks, over HTTP, with real loop devices and directories.

It refuses as upstream refuses, and it can be slow, broken or silent. What it has is in plain dictionaries for tests to look at.
"""

from __future__ import annotations

import json
import re
import subprocess
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

Document = dict[str, Any]
GIB = 1 << 30


class Refusal(Exception):
    """A status and a sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


class Cloud:
    """``mode``: ``open``, ``broken`` (every answer is an error page), ``silent`` (no answer comes until it is open again)."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.volumes: dict[str, Document] = {}
        self.attachments: dict[str, Document] = {}
        self.shares: dict[str, Document] = {}
        self.rules: dict[str, Document] = {}
        self.devices: dict[str, str] = {}
        self.asked: list[str] = []
        self.mode = "open"
        self.opened = threading.Event()
        self.creating = 0
        """How many looks at a new volume find it in creation."""
        self.fails = False
        """Whether creations end in error."""
        self.on: dict[str, Callable[[], None]] = {}
        """What is done when a request (``METHOD /path`` as a pattern) was answered."""
        self.local = True
        self.has_shares = True
        self._lock = threading.RLock()
        self._count = 0

    def answer(self, method: str, path: str, body: Document) -> Document | None:
        """One request."""
        with self._lock:
            self.asked.append(f"{method} {path}")
            service, _, rest = path.lstrip("/").partition("/v")
            rest = rest.partition("/")[2]
            plain, _, _ = rest.partition("?")
            found = self._volumes(method, plain, body) if service == "volume" else self._shares(method, plain, body)
        for pattern, action in list(self.on.items()):
            if re.fullmatch(pattern, f"{method} /{plain}"):
                del self.on[pattern]
                action()
        return found

    def _now(self) -> str:
        self._count += 1
        return f"2026-01-01T00:00:{self._count:02d}.000000"

    # Cinder

    def _volumes(self, method: str, path: str, body: Document) -> Document | None:  # noqa: PLR0911 (a table)
        match [method, *path.split("/")]:
            case ["GET", "volumes", "detail"]:
                return {"volumes": [self._shown(volume) for volume in self.volumes.values()]}
            case ["POST", "volumes"]:
                return {"volume": self._create(body)}
            case ["GET", "volumes", id]:
                return {"volume": self._looked(self._volume(id))}
            case ["DELETE", "volumes", id]:
                self._delete(self._volume(id))
                return None
            case ["POST", "volumes", id, "metadata"]:
                self._volume(id)["metadata"].update(body["metadata"])
                return {}
            case ["DELETE", "volumes", id, "metadata", name]:
                if self._volume(id)["metadata"].pop(name, None) is None:
                    raise Refusal(404, "no such metadata")
                return None
            case ["POST", "attachments"]:
                return {"attachment": self._attach(body["attachment"])}
            case ["GET", "attachments", id]:
                return {"attachment": self._attachment(id)}
            case ["POST", "attachments", id, "action"]:
                self._attachment(id)["status"] = "attached"
                self.volumes[self._attachment(id)["volume_id"]]["status"] = "in-use"
                return None
            case ["DELETE", "attachments", id]:
                self._detach(self._attachment(id))
                return {"attachments": []}
            case ["GET", "messages"]:
                return {"messages": [{"user_message": "No backend has room.", "created_at": "2026"}]}
        raise Refusal(404, f"no route {method} {path}")

    def _create(self, body: Document) -> Document:
        wish = body["volume"]
        source = wish.get("source_volid") or wish.get("snapshot_id")
        if source and source not in self.volumes:
            raise Refusal(404, f"Volume {source} could not be found.")
        if wish.get("volume_type") == "none":
            raise Refusal(404, "Volume type none could not be found.")
        id = str(uuid.uuid4())
        size = wish.get("size") or self.volumes[source]["size"]
        made = {"id": id, "status": "creating", "metadata": {}, "multiattach": False, **wish, "size": size}
        self.volumes[id] = {
            **made,
            "created_at": self._now(),
            "looks": self.creating,
            "hints": body.get("OS-SCH-HNT:scheduler_hints"),
        }
        if source:
            subprocess.run(["cp", "--sparse=always", self.file(source), self.file(id)], check=True)
        with self.file(id).open("ab") as file:
            file.truncate(size * GIB)
        return self._shown(self.volumes[id])

    def file(self, id: str) -> Path:
        """The file of a volume."""
        return self.directory / id

    def _looked(self, volume: Document) -> Document:
        if volume["status"] == "creating" and volume["looks"] <= 0:
            volume["status"] = "error" if self.fails else "available"
        volume["looks"] -= 1
        return self._shown(volume)

    def _shown(self, volume: Document) -> Document:
        held = [
            {"attachment_id": id, "host_name": found["host"], "server_id": found["server"]}
            for id, found in self.attachments.items()
            if found["volume_id"] == volume["id"]
        ]
        return {name: value for name, value in volume.items() if name not in {"looks", "hints"}} | {"attachments": held}

    def _volume(self, id: str) -> Document:
        if id not in self.volumes:
            raise Refusal(404, f"Volume {id} could not be found.")
        return self.volumes[id]

    def _delete(self, volume: Document) -> None:
        if volume["status"] not in {"available", "error", "creating"}:
            raise Refusal(400, "Invalid volume: Volume status must be available or error.")
        del self.volumes[volume["id"]]
        self.file(volume["id"]).unlink()

    def hold(self, volume_id: str, host: str, server: str | None = None) -> str:
        """An attachment of somebody else's."""
        id = str(uuid.uuid4())
        self.attachments[id] = {"id": id, "volume_id": volume_id, "host": host, "server": server, "status": "attached"}
        self.volumes[volume_id]["status"] = "in-use"
        return id

    def _attach(self, wish: Document) -> Document:
        volume = self._volume(wish["volume_uuid"])
        if volume["status"] != "available" and not volume["multiattach"]:
            raise Refusal(400, f"Invalid volume: Volume {volume['id']} status must be available to attach.")
        id = self.hold(volume["id"], wish["connector"]["host"])
        volume["status"] = "attaching"
        info = {"driver_volume_type": "local", "device_path": self.bind(volume["id"])}
        self.attachments[id] |= {"status": "attaching", "connection_info": info, "connector": wish["connector"]}
        return self.attachments[id]

    def bind(self, volume_id: str) -> str:
        """The loop device of a volume, made if there is none."""
        if volume_id not in self.devices:
            command = ["losetup", "--find", "--show", str(self.file(volume_id))]
            self.devices[volume_id] = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
        return self.devices[volume_id]

    def _attachment(self, id: str) -> Document:
        if id not in self.attachments:
            raise Refusal(404, f"Volume attachment {id} could not be found.")
        return self.attachments[id]

    def _detach(self, attachment: Document) -> None:
        del self.attachments[attachment["id"]]
        id = attachment["volume_id"]
        if not any(other["volume_id"] == id for other in self.attachments.values()):
            self.volumes[id]["status"] = "available"
            self.unbind(id)

    def unbind(self, volume_id: str) -> None:
        """Take the loop device away. AssertionError: it is in use."""
        device = self.devices.pop(volume_id, None)
        if device:
            subprocess.run(["losetup", "--detach", device], check=True)

    def extend(self, volume_id: str, size: int) -> None:
        """Make a volume larger."""
        with self.file(volume_id).open("ab") as file:
            file.truncate(size * GIB)
        self.volumes[volume_id]["size"] = size
        if volume_id in self.devices:
            subprocess.run(["losetup", "--set-capacity", self.devices[volume_id]], check=True)

    # Manila

    def _shares(self, method: str, path: str, body: Document) -> Document | None:  # noqa: PLR0911 (a table)
        if not self.has_shares:
            raise Refusal(503, "no shares")
        match [method, *path.split("/")]:
            case ["GET", "shares", "detail"]:
                return {"shares": list(self.shares.values())}
            case ["POST", "shares"]:
                return {"share": self._new_share(body["share"])}
            case ["GET", "shares", id]:
                return {"share": self._share_looked(id)}
            case ["DELETE", "shares", id]:
                subprocess.run(["umount", self.share_directory(id)], check=True)
                del self.shares[id]
                return None
            case ["GET", "snapshots", id]:
                return {"snapshot": {"id": id, "size": 3}}
            case ["POST", "shares", id, "metadata"]:
                self._share(id)["metadata"].update(body["metadata"])
                return {}
            case ["DELETE", "shares", id, "metadata", name]:
                self._share(id)["metadata"].pop(name, None)
                return None
            case ["GET", "share-access-rules"]:
                id = self.asked[-1].rpartition("share_id=")[2]
                return {"access_list": [rule for rule in self.rules.values() if rule["share_id"] == id]}
            case ["POST", "shares", id, "action"]:
                return self._access(id, body)
            case ["GET", "shares", id, "export_locations"]:
                return {"export_locations": self._locations(id)}
            case ["GET", "messages"]:
                return {"messages": [{"user_message": "No pool has room.", "created_at": "2026"}]}
        raise Refusal(404, f"no route {method} {path}")

    def share_directory(self, id: str) -> Path:
        """Where a share is on this host: a mount point, as the real one."""
        return self.directory / "shares" / id

    def _new_share(self, wish: Document) -> Document:
        id = str(uuid.uuid4())
        self.share_directory(id).mkdir(parents=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "share", self.share_directory(id)], check=True)
        self.shares[id] = {"id": id, "metadata": {}, **wish, "status": "creating", "created_at": self._now()}
        return self.shares[id]

    def _share(self, id: str) -> Document:
        if id not in self.shares:
            raise Refusal(404, f"Share {id} could not be found.")
        return self.shares[id]

    def _share_looked(self, id: str) -> Document:
        share = self._share(id)
        if share["status"] == "creating":
            share["status"] = "error" if self.fails else "available"
        return share

    def _access(self, share_id: str, body: Document) -> Document:
        if "deny_access" in body:
            self.rules.pop(body["deny_access"]["access_id"], None)
            return {}
        id = str(uuid.uuid4())
        self.rules[id] = {"id": id, "share_id": share_id, **body["allow_access"], "state": "active"}
        return {"access": {**self.rules[id], "state": "queued_to_apply"}}

    def _locations(self, id: str) -> list[Document]:
        remote = {"id": "1", "path": f"127.0.0.1:/{id}", "preferred": True, "metadata": {}}
        local = {"id": "2", "path": str(self.share_directory(id))}
        return [remote, local] if self.local else [remote]

    def close(self) -> None:
        """Leave nothing behind. AssertionError: a device or directory is in use still."""
        for id in list(self.devices):
            self.unbind(id)
        for id in self.shares:
            subprocess.run(["umount", self.share_directory(id)], check=True)


class _Requests(BaseHTTPRequestHandler):
    cloud: Cloud
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer in one piece: two would wait for each other

    def _serve(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.cloud.mode == "silent":
            self.cloud.opened.wait(60)
        if self.cloud.mode == "broken":
            return self._write(502, b"<html>Bad Gateway</html>")
        try:
            found = self.cloud.answer(self.command, self.path, json.loads(content or b"{}"))
        except Refusal as refusal:
            body = {"fault": {"code": refusal.status, "message": refusal.sentence}}
            return self._write(refusal.status, json.dumps(body).encode())
        return self._write(200 if found is not None else 202, json.dumps(found).encode() if found is not None else b"")

    do_GET = do_POST = do_DELETE = do_PUT = _serve  # noqa: N815 (names of http.server)

    def _write(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *words: object) -> None:
        """Says nothing."""


@contextmanager
def serving(cloud: Cloud) -> Iterator[str]:
    """The cloud behind a port; its address."""
    requests = type("Requests", (_Requests,), {"cloud": cloud})
    with ThreadingHTTPServer(("127.0.0.1", 0), requests) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            cloud.mode = "open"
            cloud.opened.set()
            server.shutdown()
            thread.join()
            cloud.close()
