"""Hosts that share a database: who lives, and who takes over what."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from boxship.config import Settings
from boxship.core import errors, hosts
from boxship.core.db import database as db
from tests import postgres


def host(name: str, *, age: float = 0, works: bool = True, zone: str = "nova") -> hosts.Host:
    return hosts.Host(name, f"http://{name}:9500", zone, "", works, age, 100)


def seen_by(here: str, *known: hosts.Host) -> hosts.Hosts:
    """What a host thinks that has heard of these."""
    settings = Settings(host=here, database="postgresql://db/cloud", host_lease=20)
    made = hosts.Hosts(db.SqliteDatabase(Path("/nonexistent")), settings)
    made._known = {one.name: one for one in known}
    return made


def test_a_host_that_was_forgotten_is_gone_when_it_does_not_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    found = seen_by("alpha", *ALL)
    assert [found.is_gone(name) for name in ("alpha", "beta", "lost")] == [False, False, False]
    now += 19.9
    assert not found.is_gone("lost")
    found._known["lost"] = host("lost")  # it lives after all
    assert not found.is_gone("lost")
    del found._known["lost"]
    assert not found.is_gone("lost")
    now += 20
    assert [found.is_gone(name) for name in ("alpha", "beta", "lost")] == [False, False, True]


ALL = [host("alpha"), host("beta"), host("gamma")]


def test_all_hosts_agree_on_one_that_takes_over() -> None:
    for key in map(str, range(100)):
        takers = [name for name in ("alpha", "beta", "gamma") if seen_by(name, *ALL).claims("", key)]
        assert len(takers) == 1


def test_what_is_free_is_spread_over_all_hosts() -> None:
    taken = sum(seen_by("alpha", *ALL).claims("", str(key)) for key in range(300))
    assert 60 < taken < 140


def test_nobody_takes_what_a_living_host_has() -> None:
    assert not any(seen_by("alpha", *ALL).claims("beta", str(key)) for key in range(100))
    assert all(seen_by("beta", *ALL).claims("beta", str(key)) for key in range(100))


def test_one_of_the_others_takes_over_what_a_dead_host_had() -> None:
    after = [host("alpha"), host("beta", age=21), host("gamma")]
    for key in map(str, range(100)):
        assert [seen_by(name, *after).claims("beta", key) for name in ("alpha", "gamma")].count(True) == 1


def test_a_host_without_an_engine_takes_nothing() -> None:
    known = [host("alpha"), host("door", works=False)]
    door = hosts.Hosts(
        db.SqliteDatabase(Path("/nonexistent")), Settings(host="door", database="postgresql://db/cloud", engine="none")
    )
    door._known = {one.name: one for one in known}
    assert not any(door.claims("", str(key)) for key in range(50))
    assert all(seen_by("alpha", *known).claims("", str(key)) for key in range(50))


def test_alone_on_a_file_everything_is_this_hosts() -> None:
    alone = hosts.Hosts(db.SqliteDatabase(Path("/nonexistent")), Settings(host="here"))
    assert alone.only is None
    assert alone.owns("whatever it was called before")
    assert alone.claims("whoever", "key")


def test_what_is_to_be_in_a_zone_is_taken_by_a_host_of_it() -> None:
    known = [host("alpha"), host("beta", zone="west"), host("gamma", zone="east")]
    for key in map(str, range(50)):
        takers = [
            name for name in ("alpha", "beta", "gamma") if _in_zone(name, known).claims("", key, ["west", "east"])
        ]
        assert len(takers) == 1
        assert takers != ["alpha"]
        assert not any(_in_zone(one.name, known).claims("", key, ["south"]) for one in known)


def _in_zone(here: str, known: list[hosts.Host]) -> hosts.Hosts:
    zone = next(one.zone for one in known if one.name == here)
    settings = Settings(host=here, database="postgresql://db/cloud", host_lease=20, availability_zone=zone)
    made = hosts.Hosts(db.SqliteDatabase(Path("/nonexistent")), settings)
    made._known = {one.name: one for one in known}
    return made


async def test_two_hosts_cannot_have_one_name(tmp_path: Path, url: str) -> None:
    names = {"host": "same"}
    async with postgres.cloud_on(url, tmp_path / "one", start=False, **names):
        with pytest.raises(errors.Conflict, match="Another host of this database is called same"):
            async with postgres.cloud_on(
                url, tmp_path / "two", start=False, public_url="http://192.0.2.1:9500", **names
            ):
                pass


async def test_a_proof_is_good_for_one_request_only(tmp_path: Path) -> None:
    from boxship.core.http import peers
    from boxship.core.vault import Vault
    from tests import cloud

    async with cloud.running(tmp_path, start=False) as running:
        program = running.program
        vault = Vault(program.settings.state_dir / "keys" / "vault")
        users = program.server._authenticator
        rules = program.authenticator.rules
        program.server._authenticator = peers.PeerAuthenticator(users, rules, vault)
        proof = f"peer:{vault.seal('GET /image/v2/images')}"
        for target, status in (
            ("/image/v2/images", 200),
            ("/image/v2/images?limit=1", 401),
            ("/network/v2.0/networks", 401),
        ):
            answer = await running.client.get(target, headers={"x-auth-token": proof})
            assert answer.status_code == status, target
        forged = await running.client.get("/image/v2/images", headers={"x-auth-token": "peer:gAAAAA"})
        assert forged.status_code == 401
