"""The life of a cloud as its operator and its tenant see it, with the fake engine: every command against the real program in
a process of its own."""

from __future__ import annotations

import json
import shlex
import signal
import socket
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from boxship.cli import api
from boxship.installation import lock, process
from tests.cli.conftest import CommandLine


def listed(cloud: CommandLine, **environment: str) -> dict[str, dict[str, Any]]:
    """The containers by name."""
    return {row["name"]: row for row in json.loads(cloud.ok("ps", "--format", "json", **environment))}


def variables(text: str) -> dict[str, str]:
    """What a shell makes of the output of ``env``."""
    words = [shlex.split(line) for line in text.splitlines()]
    assert all(len(line) == 2 and line[0] == "export" for line in words)
    return dict(line[1].split("=", 1) for line in words)


def test_the_files_are_for_their_owner_only(cloud: CommandLine) -> None:
    assert stat.S_IMODE(cloud.state_dir.stat().st_mode) == 0o700
    for name in ("installation.json", "passwords.json", "clouds.yaml", "boxship.pid", "logs/boxship.log"):
        assert stat.S_IMODE((cloud.state_dir / name).stat().st_mode) == 0o600, name


def test_no_password_is_in_the_log_or_on_a_command_line(cloud: CommandLine) -> None:
    cloud.ok("ps")
    running = lock.program(cloud.state_dir)
    assert running is not None
    passwords = json.loads((cloud.state_dir / "passwords.json").read_text()).values()
    seen = (cloud.state_dir / "logs" / "boxship.log").read_text() + Path(f"/proc/{running.pid}/cmdline").read_text()
    assert not [password for password in passwords if password in seen]


def test_up_again_changes_nothing(cloud: CommandLine) -> None:
    before = lock.program(cloud.state_dir)
    output = cloud.ok("up", "--detach")
    assert cloud.url in output
    assert "FAKE" in output
    assert lock.program(cloud.state_dir) == before
    assert cloud.ok("up", "--detach", "--listen", f"127.0.0.1:{cloud.port}") == output


def test_up_with_other_options_is_refused_while_it_runs(cloud: CommandLine) -> None:
    done = cloud.run("up", "--detach", "--listen", "127.0.0.1:1")
    assert done.returncode == 1
    assert "boxship down" in done.stderr
    done = cloud.run("up", "--engine", "fake")
    assert done.returncode == 1
    assert "in use by process" in done.stderr


def test_status_says_loudly_that_nothing_runs(cloud: CommandLine) -> None:
    assert "FAKE" in cloud.ok("status")
    found = json.loads(cloud.ok("status", "--format", "json"))
    assert found["url"] == cloud.url
    assert found["health"] == "ok"
    assert isinstance(found["networks"], int)
    assert (api.health(cloud.url) or {})["fake"] is True


def test_env_is_for_eval_and_works_with_any_client(cloud: CommandLine) -> None:
    demo = variables(cloud.ok("env"))
    assert demo["OS_USERNAME"] == demo["OS_PROJECT_NAME"] == "demo"
    assert api.Cloud(demo).project_id
    admin = variables(cloud.ok("env", "--user", "admin"))
    assert admin["OS_PASSWORD"] != demo["OS_PASSWORD"]
    elsewhere = variables(cloud.ok("env", "--user", "admin", "--project", "demo"))
    assert elsewhere["OS_PROJECT_NAME"] == "demo"
    stranger = cloud.run("env", "--user", "o'brien; rm")
    assert variables(stranger.stdout)["OS_USERNAME"] == "o'brien; rm"
    assert "OS_PASSWORD" not in variables(stranger.stdout)
    assert "OS_PASSWORD" in stranger.stderr
    assert cloud.ok("ps", BOXSHIP_STATE_DIR="/nowhere", **demo).startswith("NAME")


def test_a_wrong_password_is_refused_with_the_apis_own_words(cloud: CommandLine) -> None:
    wrong = {**variables(cloud.ok("env")), "OS_PASSWORD": "x"}
    done = cloud.run("ps", **wrong)
    assert done.returncode == 5
    assert done.stderr.startswith("boxship: ")
    assert len(done.stderr.splitlines()) == 1


def test_a_container_from_run_to_rm(cloud: CommandLine) -> None:
    output = cloud.run(
        *("run", "--name", "web", "--volume", "site:/www:2", "--publish", "80", "--env", "A=1", "--memory", "64"),
        *("busybox", "--", "httpd", "-f"),
    )
    assert output.returncode == 0, output.stderr
    name, published = output.stdout.splitlines()
    assert name == "web"
    assert "made, 2 GB" in output.stderr
    web = listed(cloud)["web"]
    assert web["state"] == "Running"
    assert published == f"{web['floating_ips'][0]}:80/tcp"
    assert cloud.run("logs", "web").returncode == 0

    done = cloud.run("rm", "web")
    assert done.returncode == 1
    assert "--force" in done.stderr
    done = cloud.run("rm", "--force", "nobody", "web")
    assert done.returncode == 4
    assert done.stdout == "web\n"
    assert "web" not in listed(cloud)
    tenant = api.Cloud(variables(cloud.ok("env")))
    assert [ip for ip in tenant.get("network", "/v2.0/floatingips")["floatingips"] if "run" in ip["description"]] == []
    groups = tenant.get("network", "/v2.0/security-groups")["security_groups"]
    assert not [group for group in groups if group["name"].startswith("published-")]
    assert [volume["name"] for volume in tenant.get("block-storage", "/volumes")["volumes"]].count("site") == 1


def test_a_container_that_is_refused_leaves_nothing(cloud: CommandLine) -> None:
    tenant = api.Cloud(variables(cloud.ok("env")))

    def everything() -> list[set[str]]:
        groups = tenant.get("network", "/v2.0/security-groups")["security_groups"]
        volumes = tenant.get("block-storage", "/volumes")["volumes"]
        return [{group["name"] for group in groups}, {volume["name"] for volume in volumes}]

    cloud.ok("run", "--name", "first", "busybox", "--", "sleep", "9")
    before = everything()
    done = cloud.run("run", "--name", "bad name", "--volume", "in-vain:/x", "--publish", "80", "busybox")
    assert done.returncode == 1
    assert "name" in done.stderr.splitlines()[-1]
    assert everything() == before
    cloud.ok("rm", "--force", "first")


def test_exec_ends_as_the_command_does_and_quotes_its_words(cloud: CommandLine) -> None:
    cloud.ok("run", "--name", "shell", "busybox", "--", "sleep", "9")
    done = cloud.run("exec", "shell", "echo", "two words", "$HOME")
    assert done.returncode == 0, done.stderr
    assert cloud.run("exec", "nobody", "true").returncode == 4
    assert cloud.run("logs", "nobody").returncode == 4
    cloud.ok("rm", "--force", "shell")


def test_the_demo_is_honest_and_changes_nothing_the_second_time(cloud: CommandLine) -> None:
    first = cloud.run("demo")
    assert first.returncode == 0, first.stderr
    assert "FAKE" in first.stderr
    assert "Hello" not in first.stdout, "no page can have been served"
    assert "boxship ps" in first.stdout
    before = listed(cloud)
    second = cloud.run("demo")
    assert second.returncode == 0, second.stderr
    assert "made" not in second.stderr.replace(": is there", "")
    assert listed(cloud)["demo-web"]["id"] == before["demo-web"]["id"]
    cloud.ok("rm", "--force", "demo-web")


def test_down_and_up_again_finds_everything(boxship: CommandLine) -> None:
    boxship.up()
    boxship.ok("run", "--name", "stays", "busybox", "--", "sleep", "9")
    first = lock.program(boxship.state_dir)
    boxship.ok("down")
    assert lock.holder(boxship.state_dir) is None
    done = boxship.run("status")
    assert done.returncode == 3
    assert "not running" in done.stdout
    assert boxship.run("ps").returncode == 3
    assert "not running" in boxship.ok("down")
    boxship.ok("migrate")
    passwords = (boxship.state_dir / "passwords.json").read_bytes()
    assert boxship.url in boxship.ok("up", "--detach"), "the address is remembered"
    assert lock.program(boxship.state_dir) != first
    assert (boxship.state_dir / "passwords.json").read_bytes() == passwords
    assert listed(boxship)["stays"]["state"] == "Running"


def test_a_program_that_was_killed_leaves_nothing_to_clear_by_hand(boxship: CommandLine) -> None:
    boxship.up()
    running = lock.program(boxship.state_dir)
    assert running is not None
    assert process.stop(running, 30.0, signal.SIGKILL)
    assert boxship.run("status").returncode == 3
    boxship.ok("up", "--detach")
    assert lock.program(boxship.state_dir) != running


def test_two_programs_at_once_on_a_directory_are_one(boxship: CommandLine) -> None:
    with ThreadPoolExecutor() as pool:
        options = ("up", "--detach", "--engine", "fake", "--listen", f"127.0.0.1:{boxship.port}")
        done = list(pool.map(lambda _: boxship.run(*options), range(3)))
    assert [one for one in done if one.returncode == 0], done[0].stderr
    for loser in (one for one in done if one.returncode != 0):
        assert loser.returncode == 1
        assert "in use" in loser.stderr or "taken" in loser.stderr
    assert lock.program(boxship.state_dir) is not None
    assert boxship.run("ps").returncode == 0


def test_a_password_in_an_option_is_not_repeated(boxship: CommandLine) -> None:
    boxship.up()
    done = boxship.run("up", "--detach", BOXSHIP_DATABASE="postgresql://u:hush@localhost/x")
    assert done.returncode == 1
    assert "another database" in done.stderr
    assert "hush" not in done.stderr + done.stdout


def test_migrate_is_for_a_stopped_program(boxship: CommandLine) -> None:
    boxship.up()
    done = boxship.run("migrate")
    assert done.returncode == 1
    assert "in use by process" in done.stderr


def test_destroy_asks_and_then_leaves_nothing(boxship: CommandLine) -> None:
    boxship.up()
    boxship.ok("run", "--name", "goes", "busybox", "--", "sleep", "9")
    running = lock.program(boxship.state_dir)
    assert running is not None
    done = boxship.run("destroy")
    assert done.returncode == 2
    assert "--yes" in done.stderr
    assert running.alive
    boxship.ok("destroy", "--yes")
    assert not running.alive
    assert not boxship.state_dir.exists()
    with socket.socket() as client:
        assert client.connect_ex(("127.0.0.1", boxship.port)) != 0
    assert "nothing to remove" in boxship.ok("destroy", "--yes")


def test_a_program_that_cannot_go_on_says_why(boxship: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "broken.db").write_text(
        "this is no database, but it is long enough to be taken for the start of one" * 9
    )
    database = f"sqlite:///{tmp_path / 'broken.db'}"
    done = boxship.run(
        *("up", "--detach", "--engine", "fake", "--listen", f"127.0.0.1:{boxship.port}", "--database", database)
    )
    assert done.returncode == 1
    assert "boxship: " in done.stderr
    assert "Traceback" not in done.stderr
    assert lock.program(boxship.state_dir) is None


@pytest.mark.parametrize("form", ["text", "json"])
def test_doctor_says_what_is_wrong_and_how_to_mend_it(boxship: CommandLine, form: str) -> None:
    options = ["--json"] if form == "json" else []
    listen = {"BOXSHIP_LISTEN": f"127.0.0.1:{boxship.port}"}
    assert boxship.run("doctor", "--engine", "fake", *options, **listen).returncode == 0
    with socket.create_server(("127.0.0.1", boxship.port)):
        done = boxship.run("doctor", "--engine", "fake", *options, **listen)
    assert done.returncode == 1
    if form == "json":
        (lack,) = [finding for finding in json.loads(done.stdout) if not finding["ok"]]
        assert lack["name"] == "port"
        assert "--listen" in lack["remedy"]
    else:
        assert "--listen" in done.stdout
    assert not boxship.state_dir.exists()
