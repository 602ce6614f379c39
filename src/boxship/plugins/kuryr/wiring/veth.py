"""Ports of other clouds: a veth pair whose one end is on the bridge of Neutron's agent and whose other end Docker takes.

``vif_type`` ``bridge`` is Linux bridge (``brqID``, neutron's bridge agent), ``ovs`` Open VSwitch, whose agent finds the port
by ``iface-id``. Other types need more than a device, and are refused.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from boxship.core import errors
from boxship.plugins.kuryr import resources

_TIMEOUT = 10.0
_DEVICES = Path("/sys/class/net")


def device(port: resources.Port) -> str:
    """The end for Docker."""
    return f"t_c{port.id[:11]}"


def _tap(port: resources.Port) -> str:
    """The end for the bridge, named as Neutron's agents expect it."""
    return f"tap{port.id[:11]}"


def wire(port: resources.Port, mtu: int | None) -> None:
    """Make the pair and join it. Repeatable. Conflict: the port is not bound; BadRequest: in a way that we do not know."""
    if port.vif_type in {"", "unbound", "binding_failed"}:
        raise errors.Conflict(
            f"The cloud did not bind the port {port.id} (vif_type {port.vif_type or 'is not shown'}): is an agent of it on the "
            "host that --host names, and has the plugin's user the right to bind ports?"
        )
    if port.vif_type not in {"bridge", "ovs"} or port.vif_details.get("ovs_hybrid_plug"):
        kind = "ovs with ovs_hybrid_plug" if port.vif_details.get("ovs_hybrid_plug") else port.vif_type
        raise errors.BadRequest(f"Ports of the type {kind} cannot be given to Docker; bridge, ovs and boxship can.")
    _make_pair(port, mtu)
    if port.vif_type == "bridge":
        _join_bridge(port)
    else:
        _join_switch(port)


def _make_pair(port: resources.Port, mtu: int | None) -> None:
    tap, far = _tap(port), device(port)
    size = ["mtu", str(mtu)] if mtu else []
    if not (_DEVICES / tap).exists():
        _run("ip", "link", "add", "name", tap, *size, "type", "veth", "peer", "name", far, *size)
    _run("ip", "link", "set", "dev", far, "address", port.mac_address)
    _run("ip", "link", "set", "dev", tap, "up")


def _join_bridge(port: resources.Port) -> None:
    bridge = f"brq{port.network_id[:11]}"
    if not (_DEVICES / bridge).exists():
        _run("ip", "link", "add", "name", bridge, "type", "bridge", "forward_delay", "0", "stp_state", "0")
        _run("ip", "link", "set", "dev", bridge, "up")
    _run("ip", "link", "set", "dev", _tap(port), "master", bridge)


def _join_switch(port: resources.Port) -> None:
    bridge = str(port.vif_details.get("bridge_name") or "br-int")
    said = {"iface-id": port.id, "attached-mac": port.mac_address, "vm-uuid": port.device_id, "iface-status": "active"}
    ids = [f'external-ids:{name}="{value}"' for name, value in said.items()]
    tap = _tap(port)
    _run("ovs-vsctl", "--may-exist", "add-port", bridge, tap, "--", "set", "Interface", tap, *ids)


def unwire(port: resources.Port) -> None:
    """Remove the pair, wherever its far end is. Repeatable."""
    tap = _tap(port)
    if port.vif_type == "ovs":
        _run("ovs-vsctl", "--if-exists", "del-port", tap)
    if (_DEVICES / tap).exists():
        _run("ip", "link", "delete", "dev", tap)


def _run(*command: str) -> None:
    """Run a program of the host. Unavailable: it is not there, or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_TIMEOUT)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise errors.Unavailable(f"{command[0]} cannot be run on this host: {error}.") from error
    if done.returncode:
        said = done.stderr.strip() or f"exit code {done.returncode}"
        raise errors.Unavailable(f"'{' '.join(command)}' failed: {said}")
