"""The program is killed while stacks of three tiers are created, updated, rolled back and deleted: each comes to the end that was
asked for, with everything once and nothing left.

A short round is part of every test run; ``make chaos`` has twenty stacks. The seed is printed, and BOXSHIP_CHAOS_SEED sets it.
"""

from __future__ import annotations

import os
import random
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from tests.system import audit
from tests.system.api import Failed, Session
from tests.system.clients import ROOT
from tests.system.installation import Installation
from tests.system.marks import IS_LONG
from tests.system.waiting import until

pytestmark = [pytest.mark.system, pytest.mark.xdist_group("stack-chaos"), pytest.mark.timeout(1500)]

STACKS, MOST_KILLS = (20, 5) if IS_LONG else (2, 2)
STACK = "shop"
PATIENCE = 15 + 12 * STACKS
"""Seconds in which all stacks come to their ends, beside each other on two cores."""
TEMPLATE = (ROOT / "docs" / "templates" / "three-tiers.yaml").read_text()
_KINDS = {
    "OS::Neutron::Net": ("/network/v2.0/networks", "networks"),
    "OS::Neutron::Subnet": ("/network/v2.0/subnets", "subnets"),
    "OS::Neutron::Router": ("/network/v2.0/routers", "routers"),
    "OS::Neutron::FloatingIP": ("/network/v2.0/floatingips", "floatingips"),
    "OS::Neutron::SecurityGroup": ("/network/v2.0/security-groups", "security_groups"),
    "OS::Zun::Container": ("/container/v1/containers", "containers"),
    "OS::Cinder::Volume": ("/volume/v3/{project}/volumes", "volumes"),
}
"""Where the things of a type are listed. A project has nothing of them but its stack, and its default security group."""


@dataclass(slots=True)
class Shop:
    """A project with one stack in it."""

    session: Session
    parameters: dict[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> str:
        return f"/orchestration/v1/{self.session.project_id}/stacks"

    def body(self) -> dict[str, Any]:
        return {"stack_name": STACK, "template": TEMPLATE, "parameters": self.parameters, "disable_rollback": True}

    def create(self) -> None:
        self._sure("POST", self.path, self.body(), done=409)

    def update(self, **parameters: Any) -> None:
        self.parameters |= parameters
        self._sure("PUT", self._there(), self.body())

    def spoil(self) -> None:
        """An update that cannot be, and brings back what was."""
        wish = {**self.body(), "parameters": {**self.parameters, "image": "no-such-image"}, "disable_rollback": False}
        self._sure("PUT", self._there(), wish)

    def delete(self) -> None:
        self._sure("DELETE", self._there(), done=404)

    def _there(self) -> str:
        return f"{self.path}/{STACK}/{self._patiently(self.show)['id']}"

    def show(self) -> dict[str, Any]:
        return dict(self.session.ask("GET", f"{self.path}/{STACK}", follow_redirects=True)["stack"])

    def _sure(self, method: str, path: str, body: Any = None, done: int = 0) -> None:
        """Ask until it is acknowledged: an answer that was lost is asked for again, which ``done`` may say is not needed."""

        def ask() -> None:
            try:
                self.session.ask(method, path, body)
            except Failed as refused:
                if refused.status != done:
                    raise

        self._patiently(ask)

    def _patiently(self, ask: Callable[[], Any]) -> Any:
        """The answer once there is one."""
        deadline = time.monotonic() + 60
        while True:
            try:
                return ask()
            except (httpx.TransportError, Failed) as error:
                if (isinstance(error, Failed) and error.status != 503) or time.monotonic() > deadline:
                    raise
            time.sleep(0.1)

    def is_at(self, status: str) -> str:
        """What is not as it should be; empty: all is."""
        try:
            seen = self.show()
        except Failed as refused:
            return "" if refused.status == 404 and status == "gone" else str(refused)
        return "" if seen["stack_status"] == status else f"{seen['stack_status']}: {seen['stack_status_reason']}"

    def things(self) -> dict[str, list[str]]:
        """The ids of what the project has, by type, but for the group of each and the network of all."""
        found = {}
        for type_name, (path, key) in _KINDS.items():
            rows = self.session.ask("GET", path.format(project=self.session.project_id))[key]
            own = [row for row in rows if not row.get("router:external") and row.get("name") != "default"]
            found[type_name] = sorted(row.get("uuid") or row["id"] for row in own)
        return found

    def resources(self) -> dict[str, list[str]]:
        """The ids that the resources of the stack say, by type."""
        rows = self.session.ask("GET", f"{self._there()}/resources?nested_depth=5")["resources"]
        unfinished = [f"{row['resource_name']} {row['resource_status']}" for row in rows if _is_bad(row)]
        assert not unfinished, unfinished
        found: dict[str, list[str]] = {type_name: [] for type_name in _KINDS}
        for row in rows:
            if row["resource_type"] in found:
                found[row["resource_type"]].append(row["physical_resource_id"])
        return {type_name: sorted(ids) for type_name, ids in found.items()}

    def page(self) -> str:
        (url,) = (row["output_value"] for row in self.show()["outputs"] if row["output_key"] == "url")
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 (an address of this host)
                return str(answer.read().decode())
        except OSError as error:
            return str(error)

    def check(self) -> None:
        """The project has what its stack says, once; and the application answers with what was last asked for."""
        assert self.things() == self.resources(), "everything once"
        assert len(self.things()["OS::Zun::Container"]) == 2 + self.parameters["members"]
        wanted = [f"{self.parameters['greeting']} from 0", "first"]
        until(lambda: self.page().split("\n")[:2] == wanted, f"the application says {wanted}", 20, pause=0.2)


def _is_bad(row: dict[str, Any]) -> bool:
    return not row["resource_status"].endswith("_COMPLETE")


@dataclass(slots=True)
class Street:
    """All shops, and the cloud they are in."""

    cloud: Installation
    shops: list[Shop]
    chance: random.Random

    def together(self, what: str, order: Callable[[Shop], None], status: str) -> None:
        """Order the same of all, kill the program some times meanwhile, and wait until all have come to the status."""
        begun = time.monotonic()
        kills = 0
        for shop in self.shops:
            order(shop)
            kills += self._maybe_kill(0.5 / len(self.shops))
        while kills < MOST_KILLS:
            time.sleep(self.chance.uniform(0.05, 1.5))
            kills += self._maybe_kill(1)
        self.cloud.answers()
        late: list[str] = []

        def reached() -> bool:
            late[:] = [seen for shop in self.shops if (seen := shop.is_at(status))]
            return not late

        try:
            until(reached, f"all stacks are {status}", PATIENCE, pause=0.3)
        except AssertionError as error:
            raise AssertionError(f"{what}: {late}\n{self.cloud.tail(100)}") from error
        taken = time.monotonic() - begun
        print(f"{what}: {len(self.shops)} stacks, {kills} kills, {status} after {taken:.1f} s")  # noqa: T201
        audit.assert_sound(self.cloud)

    def _maybe_kill(self, chance: float) -> int:
        if self.chance.random() > chance:
            return 0
        self.cloud.kill()
        self.cloud.start()
        return 1


@pytest.fixture
def street(own_cloud: Installation) -> Street:
    seed = int(os.environ.get("BOXSHIP_CHAOS_SEED") or random.SystemRandom().randrange(10**6))
    print(f"BOXSHIP_CHAOS_SEED={seed}")  # noqa: T201 (to be able to do the same again)
    own_cloud.start()
    own_cloud.answers()
    shops = [Shop(own_cloud.session(f"keeper{number}")) for number in range(STACKS)]
    return Street(own_cloud, shops, random.Random(seed))  # noqa: S311 (no secret)


def test_chaos_of_stacks(street: Street) -> None:
    for shop in street.shops:
        shop.parameters = {"members": 2, "greeting": "hello"}
    street.together("create", Shop.create, "CREATE_COMPLETE")
    _check_all(street)
    street.together("update", lambda shop: shop.update(members=3, greeting="good day"), "UPDATE_COMPLETE")
    _check_all(street)
    street.together("rollback", Shop.spoil, "ROLLBACK_COMPLETE")
    _check_all(street)
    street.together("takeover", _change_one_s_mind, "UPDATE_COMPLETE")
    _check_all(street)
    street.together("delete", Shop.delete, "gone")
    for shop in street.shops:
        assert not any(shop.things().values()), "nothing is left"
    sight = audit.look(street.cloud.state_dir, street.cloud.mark, street.cloud.engine_socket)
    assert not sight.containers and not sight.loops


def _change_one_s_mind(shop: Shop) -> None:
    """An update that another one takes over."""
    shop.update(members=1, greeting="good night")
    shop.update(members=2, greeting="good evening")


def _check_all(street: Street) -> None:
    for shop in street.shops:
        shop.check()
