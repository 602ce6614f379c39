"""Images that are not there, and pulls that are interrupted: a state that ends, with a reason, and a way out of it."""

from __future__ import annotations

import pytest

from tests.system import audit, registry
from tests.system.api import Session
from tests.system.installation import Installation
from tests.system.waiting import until

pytestmark = [pytest.mark.system, pytest.mark.xdist_group("chaos"), pytest.mark.timeout(300)]

IDLE = "trap exit TERM; while true; do sleep 1; done"


def _nets(session: Session, name: str) -> list[dict[str, str]]:
    return [{"network": session.network(name, "10.0.0.0/24")["id"]}]


def test_an_image_that_no_registry_has(own_cloud: Installation) -> None:
    own_cloud.up()
    session = own_cloud.session("demo")
    with registry.serving() as here:
        missing = here.image.replace("small", "missing")
        made = session.create("lost", IDLE, image=missing, nets=_nets(session, "lost"))
        failed = session.becomes(made["uuid"], "Error")
    assert missing in failed["status_reason"], failed["status_reason"]
    session.delete(made["uuid"])
    audit.assert_sound(own_cloud)


def test_a_transfer_that_breaks_off_and_one_that_does_not(own_cloud: Installation) -> None:
    own_cloud.up()
    session = own_cloud.session("demo")
    nets = _nets(session, "pulls")
    with registry.serving() as here:
        here.broken = True
        broken = session.create("broken", IDLE, image=here.image, nets=nets)
        failed = session.becomes(broken["uuid"], "Error")
        assert here.image in failed["status_reason"], failed["status_reason"]
        here.broken = False
        whole = session.run("whole", IDLE, image=here.image, nets=nets)
        assert session.execute(whole["uuid"], "echo there") == (0, "there\n")
    session.delete(broken["uuid"], whole["uuid"])
    audit.assert_sound(own_cloud)


def test_what_waits_for_an_image_can_be_deleted_and_survives_a_kill(own_cloud: Installation) -> None:
    own_cloud.start()
    own_cloud.answers()
    session = own_cloud.session("demo")
    nets = _nets(session, "patience")
    with registry.serving() as here:
        here.free.clear()
        patient = session.create("patient", IDLE, image=here.image, nets=nets)
        hasty = session.create("hasty", IDLE, image=here.image, nets=nets)
        for one in (patient, hasty):
            _pulls(session, one["uuid"])
        admin = own_cloud.session("admin")
        admin.ask("DELETE", f"/container/v1/containers/{hasty['uuid']}?force=true&all_projects=true")
        own_cloud.kill()
        own_cloud.start()
        own_cloud.answers()
        session.gone(f"/container/v1/containers/{hasty['uuid']}")
        _pulls(session, patient["uuid"])
        here.free.set()
        session.running(patient["uuid"])
    session.delete(patient["uuid"])
    audit.assert_sound(own_cloud)


def _pulls(session: Session, container: str) -> None:
    until(lambda: session.show(container)["task_state"] == "image_pulling", "it waits for its image")
