"""``boxship status``: what runs, where, and how much of it."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import click

from boxship.cli import api, output
from boxship.cli.failure import Exit
from boxship.cli.options import state_dir_option
from boxship.config import Settings
from boxship.installation import choice, directory, lock, process


@click.command("status")
@state_dir_option
@output.format_option
def status_command(state_dir: Path | None, form: str) -> int:
    """Show the program, its engine, how many of what there are, and the disk.

    Ends with 0 when the cloud works, 3 when it does not run, 1 when it runs and lacks something.

    \b
    Example:
      boxship status --format json
    """
    settings = choice.settings({"state_dir": state_dir})
    directory.existing(settings.state_dir)
    running = lock.program(settings.state_dir)
    found: dict[str, object] = {"program": _program(running), "url": settings.url, "state": str(settings.state_dir)}
    health = api.local_health(settings) if running else None
    found["engine"] = _engine(settings, health)
    if health:
        found["health"] = health["status"] if "problem" not in health else f"{health['status']}: {health['problem']}"
        if "hosts" in health:
            found["hosts"] = health["hosts"]
        found |= _counts(settings)
    found["disk"] = _disk(settings.state_dir)
    output.document(form, found)
    if running is None:
        return Exit.NOT_RUNNING
    return Exit.OK if health and health["status"] == "ok" else Exit.FAILURE


def _program(running: process.Process | None) -> str:
    if running is None:
        return "not running; start it with: boxship up --detach"
    minutes, seconds = divmod(int(running.age), 60)
    return f"running, process {running.pid}, for {minutes} min {seconds} s"


def _engine(settings: Settings, health: dict[str, Any] | None) -> str:
    if settings.engine == "none":
        return "none: other hosts of the database do the work"
    if settings.engine == "fake":
        return "FAKE: the API answers as if containers ran, but nothing runs"
    return str((health or {}).get("engine") or f"docker at {settings.engine_socket}")


def _counts(settings: Settings) -> dict[str, object]:
    """How many there are of everything, of all projects, by state."""
    cloud = api.connect(settings.state_dir, "admin")
    containers = cloud.all("container", "/containers", "containers", "uuid", all_projects=True)
    networks = cloud.all("network", "/v2.0/networks", "networks", "id")
    ports = cloud.all("network", "/v2.0/ports", "ports", "id")
    routers = cloud.all("network", "/v2.0/routers", "routers", "id")
    volumes = cloud.all("block-storage", "/volumes/detail", "volumes", "id", all_tenants=True)
    return {
        "containers": dict(Counter(row["status"] for row in containers)),
        "networks": len(networks),
        "ports": dict(Counter(row["status"] for row in ports)),
        "routers": len(routers),
        "volumes": dict(Counter(row["status"] for row in volumes)),
    }


def _disk(state_dir: Path) -> str:
    used = sum(_blocks(Path(place) / name) for place, _, names in os.walk(state_dir) for name in names)
    return f"{used / 2**20:.0f} MB used, {shutil.disk_usage(state_dir).free / 2**30:.1f} GB free"


def _blocks(path: Path) -> int:
    """Bytes that a file really takes: volumes are sparse."""
    try:
        return path.lstat().st_blocks * 512
    except OSError:
        return 0
