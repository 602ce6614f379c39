"""Data outlives the container that wrote it."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.system import audit
from tests.system.api import Failed, Session
from tests.system.installation import Installation
from tests.system.waiting import until

pytestmark = [pytest.mark.system, pytest.mark.xdist_group("system"), pytest.mark.timeout(300)]

IDLE = "trap exit TERM; while true; do sleep 1; done"


def test_a_file_is_there_after_its_container_is_gone(cloud: Installation) -> None:
    session = cloud.session("keeper")
    network = session.network("keeper", "10.0.0.0/24")
    volumes = f"/volume/v3/{session.project_id}/volumes"
    volume = session.ask("POST", volumes, {"volume": {"size": 1, "name": "kept"}})["volume"]["id"]
    wish: dict[str, Any] = {
        "nets": [{"network": network["id"]}],
        "mounts": [{"source": "kept", "destination": "/data"}],
    }
    first = session.run("writer", IDLE, **wish)
    write = "dd if=/dev/urandom of=/data/file bs=1k count=300 2>/dev/null && sync && sha256sum /data/file"
    code, digest = session.execute(first["uuid"], write)
    assert code == 0 and len(digest.split()[0]) == 64, digest
    with pytest.raises(Failed) as refused:
        session.create("rival", IDLE, **wish)
    assert refused.value.status == 409, "one container at a time"
    session.delete(first["uuid"])
    until(lambda: _status(session, volumes, volume) == "available", "the volume is free again")

    second = session.run("reader", IDLE, **wish)
    assert session.execute(second["uuid"], "sha256sum /data/file") == (0, digest)
    session.delete(second["uuid"])
    until(lambda: _status(session, volumes, volume) == "available", "the volume is free again")
    session.ask("DELETE", f"{volumes}/{volume}")
    session.gone(f"{volumes}/{volume}")
    session.ask("DELETE", f"/network/v2.0/networks/{network['id']}")
    audit.assert_sound(cloud)


def _status(session: Session, volumes: str, volume: str) -> str:
    return str(session.ask("GET", f"{volumes}/{volume}")["volume"]["status"])


def test_a_volume_by_size_and_an_injected_file_go_with_their_container(cloud: Installation) -> None:
    session = cloud.session("keeper")
    network = session.network("brief", "10.0.0.0/24")
    content = base64.b64encode(b"a secret of 18 byt").decode()
    made = session.run(
        "brief",
        IDLE,
        nets=[{"network": network["id"]}],
        mounts=[
            {"size": "1", "destination": "/scratch"},
            {"type": "bind", "source": content, "destination": "/etc/injected"},
        ],
    )
    assert session.execute(made["uuid"], "echo x > /scratch/x && cat /etc/injected") == (0, "a secret of 18 byt")
    assert session.execute(made["uuid"], "echo y > /etc/injected")[0] != 0, "injected files cannot be changed"
    session.delete(made["uuid"])
    volumes = f"/volume/v3/{session.project_id}/volumes"
    until(lambda: session.ask("GET", volumes)["volumes"] == [], "its volume went with it")
    session.ask("DELETE", f"/network/v2.0/networks/{network['id']}")
