"""Private registries, images on hosts and the host itself, on a real engine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.system import audit, registry
from tests.system.api import Failed, Session
from tests.system.installation import Installation
from tests.system.waiting import until

pytestmark = [pytest.mark.system, pytest.mark.xdist_group("chaos"), pytest.mark.timeout(300)]

IDLE = "trap exit TERM; while true; do sleep 1; done"
LOGIN = ("me", "pass?word>1")


def _kept(session: Session, domain: str, password: str) -> str:
    wish = {"name": "ours", "domain": domain, "username": LOGIN[0], "password": password}
    return str(session.ask("POST", "/container/v1/registries", {"registry": wish})["registry"]["uuid"])


def test_a_private_image_is_for_those_with_the_password(own_cloud: Installation) -> None:
    own_cloud.up()
    demo, admin = own_cloud.session("demo"), own_cloud.session("admin")
    nets = [{"network": demo.network("private", "10.0.0.0/24")["id"]}]
    others = [{"network": admin.network("others", "10.0.1.0/24")["id"]}]
    with registry.serving() as here:
        here.login = LOGIN
        without = demo.create("without", IDLE, image=here.image, nets=nets)
        assert "may not be pulled" in demo.becomes(without["uuid"], "Error")["status_reason"]
        name = here.image.removeprefix(f"{here.domain}/")
        mine = demo.run("mine", IDLE, image=name, registry=_kept(demo, here.domain, LOGIN[1]), nets=nets)
        assert (mine["image"], demo.execute(mine["uuid"], "echo there")) == (here.image, (0, "there\n"))
        theirs = admin.create("theirs", IDLE, image=here.image, nets=others)
        assert "may not be pulled" in admin.becomes(theirs["uuid"], "Error")["status_reason"]
        wrong = admin.create("wrong", IDLE, image=name, registry=_kept(admin, here.domain, "guessed"), nets=others)
        assert "may not be pulled" in admin.becomes(wrong["uuid"], "Error")["status_reason"]
        with pytest.raises(Failed) as failed:
            demo.ask("DELETE", "/container/v1/registries/ours")
        assert failed.value.status == 409
    demo.delete(without["uuid"], mine["uuid"])
    admin.delete(theirs["uuid"], wrong["uuid"])
    demo.ask("DELETE", "/container/v1/registries/ours")
    log = "".join(path.read_text(errors="replace") for path in (own_cloud.state_dir / "logs").iterdir())
    assert LOGIN[1] not in log
    audit.assert_sound(own_cloud)


def test_images_on_the_host(own_cloud: Installation) -> None:
    own_cloud.up()
    admin = own_cloud.session("admin")
    (host,) = admin.ask("GET", "/container/v1/hosts")["hosts"]
    lines = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    assert host["mem_total"] == int(lines["MemTotal"].split()[0]) // 1024
    assert host["cpus"] == os.cpu_count()
    assert host["kernel_version"] == os.uname().release
    with registry.serving() as here:
        made = admin.ask("POST", "/container/v1/images", {"repo": here.image, "host": host["hostname"]})

        def fetched() -> Any:
            shown = admin.ask("GET", f"/container/v1/images/{made['uuid']}")
            return shown if shown["status"] == "active" else None

        shown = until(fetched, "the image is there", 30)
        assert shown["image_id"].startswith("sha256:")
        assert int(shown["size"]) > 0
    nets = [{"network": admin.network("idle", "10.0.0.0/24")["id"]}]
    container = admin.run("idle", IDLE, image=here.image, nets=nets)  # the registry is gone, the image is not
    admin.ask("DELETE", f"/container/v1/images/{made['uuid']}")
    assert admin.ask("GET", "/container/v1/images")["images"] == []
    assert admin.execute(container["uuid"], "echo there") == (0, "there\n")
    assert admin.ask("GET", f"/container/v1/hosts/{host['uuid']}")["mem_used"] == 64
    admin.delete(container["uuid"])
    audit.assert_sound(own_cloud)
