"""This host as the cloud knows it: registered before anybody asks, measured by the engine, alive while the program is."""

from __future__ import annotations

import socket
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from boxship.core import clock, errors
from boxship.drivers.engine.interface import HostSight
from boxship.services.container import model
from boxship.services.container.operations import hosts as operations
from boxship.services.container.reconciler.hosts import HostReconciler
from boxship.services.container.store import hosts as store
from tests import cloud
from tests.services.container.containers import versioned

LATEST = {"OpenStack-API-Version": "container 1.40"}


async def shown(running: cloud.Cloud) -> Any:
    """The only host; None where there is none."""
    answer = (await running.request("admin", "GET", "/container/v1/hosts", headers=LATEST)).json()
    return answer["hosts"][0] if answer["hosts"] else None


async def row(running: cloud.Cloud) -> model.Host:
    async with running.program.database.read() as transaction:
        (found,) = await store.everything(transaction)
    return found


def reconciler(running: cloud.Cloud) -> HostReconciler:
    program = running.program
    return HostReconciler(program.database, program.drivers.engine, program.settings)


async def test_the_host_is_there_before_the_first_scan(tmp_path: Path) -> None:
    async with cloud.running(tmp_path, start=False) as running:
        found = await shown(running)
        assert found["hostname"] == socket.gethostname()
        assert found["cpus"] == 1000


async def test_it_stays_the_same_host_when_the_program_starts_again(tmp_path: Path) -> None:
    async with cloud.running(tmp_path, start=False) as running:
        first = await row(running)
        await running.request(
            "admin", "PUT", f"/container/v1/services/disable?host={first.hostname}&binary=zun-compute"
        )
    async with cloud.running(tmp_path, start=False, availability_zone="east") as running:
        again = await row(running)
        assert (again.id, again.created_at) == (first.id, first.created_at)
        assert again.disabled
        assert again.zone == "east"
        zones = (await running.request("alice", "GET", "/container/v1/availability_zones")).json()
        assert zones["availability_zones"] == [{"availability_zone": "east"}]


async def test_nothing_is_written_where_nothing_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with cloud.running(tmp_path, start=False) as running:
        before = await row(running)
        await reconciler(running).reconcile(before.id)
        assert await row(running) == before
        now = clock.now()
        monkeypatch.setattr(clock, "now", lambda: now + timedelta(seconds=61))
        await reconciler(running).reconcile(before.id)
        after = await row(running)
        assert after.report_count == before.report_count + 1
        assert after.last_seen_up > before.last_seen_up


async def test_what_the_engine_tells_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sight = HostSight(
        cpus=4,
        memory=8 << 30,
        memory_used=1 << 30,
        disk=100 << 30,
        disk_used=(7 << 30) + 5,
        architecture="riscv64",
        os="Debian",
        os_type="linux",
        kernel="6.1",
        labels={"rack": "7"},
        runtimes=("runc",),
        disk_quota=False,
    )

    async def host() -> HostSight:
        return sight

    async with cloud.running(tmp_path, start=False) as running:
        monkeypatch.setattr(running.program.drivers.engine, "host", host)
        await reconciler(running).reconcile((await row(running)).id)
        found = await shown(running)
        assert (found["cpus"], found["mem_total"], found["disk_total"]) == (4, 8192, 100)
        assert (found["disk_used"], found["disk_quota_supported"]) == (7, False)
        assert (found["architecture"], found["kernel_version"], found["labels"]) == ("riscv64", "6.1", {"rack": "7"})


async def test_a_host_whose_engine_is_away_lives_and_keeps_its_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away() -> HostSight:
        raise errors.Busy("The engine does not answer.")

    async with cloud.running(tmp_path, start=False) as running:
        monkeypatch.setattr(running.program.drivers.engine, "host", away)
        now = clock.now()
        monkeypatch.setattr(clock, "now", lambda: now + timedelta(seconds=300))
        await reconciler(running).register()
        assert (await row(running)).last_seen_up == clock.now()
        answer = await running.request("admin", "GET", "/container/v1/services")
        assert answer.json()["services"][0]["state"] == "up"
        assert (await shown(running))["cpus"] == 1000


async def test_nothing_is_placed_on_a_host_that_never_told_its_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from boxship.drivers.engine.fake.hosts import Hosts

    async def away(_engine: object) -> HostSight:
        raise errors.Busy("The engine does not answer.")

    monkeypatch.setattr(Hosts, "host", away)
    async with cloud.running(tmp_path, start=False) as running:
        net = await running.request("alice", "POST", "/network/v2.0/networks", json={"network": {"name": "net"}})
        id = net.json()["network"]["id"]
        answer = await versioned(running, "POST", "", json={"image": "busybox", "nets": [{"network": id}]})
        assert answer.status_code == 409
        assert "how large" in answer.text


async def test_a_host_that_was_forgotten_comes_back(tmp_path: Path) -> None:
    async with cloud.running(tmp_path, scan_interval=0.05) as running:
        host = await shown(running)
        path = f"/container/v1/services?host={host['hostname']}&binary=zun-compute"
        assert (await running.request("admin", "DELETE", path)).status_code == 204

        async def back() -> Any:
            found = await shown(running)
            return found if found and found["cpus"] else None

        assert (await running.until(back, "the host is back"))["uuid"] == host["uuid"]


async def test_another_host_that_is_silent_is_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with cloud.running(tmp_path, start=False) as running:
        program = running.program
        async with program.database.write() as transaction:
            await operations.register(transaction, program.settings, "elsewhere")
        now = clock.now()
        for seconds, state in ((179, "up"), (181, "down")):
            monkeypatch.setattr(clock, "now", lambda later=seconds: now + timedelta(seconds=later))
            answer = await running.request("admin", "GET", "/container/v1/services")
            states = {service["host"]: (service["id"], service["state"]) for service in answer.json()["services"]}
            assert states == {socket.gethostname(): (1, "up"), "elsewhere": (2, state)}
