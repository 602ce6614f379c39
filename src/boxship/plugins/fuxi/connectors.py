"""How connection information becomes a device of this host. ``local`` is a device that is there already; for all other
protocols os-brick is asked, which is not required: without it they are refused with a sentence."""

from __future__ import annotations

import importlib
import importlib.util
import os
import stat
from collections.abc import Mapping
from typing import Any

from boxship.core import errors
from boxship.plugins.cloud import Deadline, plain
from boxship.plugins.fuxi import filesystems
from boxship.plugins.fuxi.host import Host

LOCAL = "local"
_GIB = 1 << 30


def properties(host: Host) -> dict[str, object]:
    """This host as Cinder wants to know it; os-brick adds what it finds (initiator names of iSCSI, NVMe, FC)."""
    own = host.connector()
    if not _has_brick():
        return own
    connector = importlib.import_module("os_brick.initiator.connector")
    found: Mapping[str, object] = connector.get_connector_properties("", own["ip"], False, False, host.name)
    return {**own, **found, "host": host.name}


def connect(info: Mapping[str, object], size: int, deadline: Deadline) -> str:
    """The path of the device, which is as large as the volume (GiB). Unavailable: it does not appear in time; Conflict:
    there is no way to have it on this host, or it is not what it should be."""
    kind, data = _parts(info)
    if data.get("encrypted"):
        raise errors.Conflict("The volume is encrypted by the cloud, which this plugin cannot undo.")
    if kind == LOCAL:
        path = str(data.get("device_path") or "")
    else:
        path = _brick(kind, lambda brick: brick.connect_volume(dict(data)))["path"]
    _await(path, deadline)
    real = os.path.realpath(path)
    _check(real, size)
    return real


def disconnect(info: Mapping[str, object]) -> None:
    """Take the device away, where connecting made it. Conflict: os-brick is not there any more, or fails."""
    kind, data = _parts(info)
    if kind != LOCAL:
        _brick(kind, lambda brick: brick.disconnect_volume(dict(data), None))


def _parts(info: Mapping[str, object]) -> tuple[str, Mapping[str, Any]]:
    """Protocol and data; Cinder's attachments have the data beside the protocol, older calls below ``data``."""
    data = info.get("data")
    rest = {name: value for name, value in info.items() if name not in {"driver_volume_type", "data"}}
    return str(info.get("driver_volume_type") or ""), {**rest, **data} if isinstance(data, dict) else rest


def _has_brick() -> bool:
    return importlib.util.find_spec("os_brick") is not None


def _brick(kind: str, ask: Any) -> Any:
    if not _has_brick():
        raise errors.Conflict(
            f"The cloud gives the volume by {kind!r}, for which this host needs os-brick: pip install os-brick."
        )
    brick = importlib.import_module("os_brick.exception")
    connector = importlib.import_module("os_brick.initiator.connector")
    processutils = importlib.import_module("oslo_concurrency.processutils")
    try:
        return ask(connector.InitiatorConnector.factory(kind.upper(), "", use_multipath=False))
    except (brick.BrickException, processutils.ProcessExecutionError, ValueError) as error:
        raise errors.Conflict(f"The volume cannot be connected by {kind}: {plain(error)}") from error


def _await(path: str, deadline: Deadline) -> None:
    if not path.startswith("/dev/"):
        raise errors.Conflict(f"The cloud names no device, but {path!r}.")
    while not _is_device(path):
        try:
            deadline.wait(0.1)
        except errors.Unavailable as error:
            raise errors.Unavailable(f"The device {path} does not appear on this host.") from error


def _is_device(path: str) -> bool:
    try:
        return stat.S_ISBLK(os.stat(path).st_mode)  # noqa: PTH116 (follows links of udev on purpose)
    except OSError:
        return False


def _check(device: str, size: int) -> None:
    """A device of another size is another device: it is not touched."""
    found = filesystems.size(device)
    if found != size * _GIB:
        raise errors.Conflict(
            f"The device {device} has {found} bytes, and the volume has {size} GiB: it is another one, and is left alone."
        )
