"""The commands about containers, against the real program with the fake engine, which runs nothing: what is asked, printed and
answered with which exit code. What really happens in containers is tested in tests/system/test_cli.py."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import CommandLine
from tests.cli.pseudo import Screen, screen


def listed(cloud: CommandLine, *filters: str) -> dict[str, dict[str, Any]]:
    """The containers by name."""
    words = [word for text in filters for word in ("--filter", text)]
    return {row["name"]: row for row in json.loads(cloud.ok("ps", "--format", "json", *words))}


def one(cloud: CommandLine, name: str) -> dict[str, Any]:
    (found,) = json.loads(cloud.ok("inspect", name))
    assert isinstance(found, dict)
    return found


@pytest.fixture(scope="module")
def pair(cloud: CommandLine) -> tuple[str, str]:
    """Two containers that run."""
    for name in ("alpha", "beta"):
        cloud.ok("run", "--name", name, "--label", f"which={name}", "busybox", "--", "sleep", "9")
    return "alpha", "beta"


@contextmanager
def typing(cloud: CommandLine, *words: str, **environment: str) -> Iterator[Screen]:
    """A command on a terminal."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("BOXSHIP_", "OS_", "XDG_"))}
    own = {"BOXSHIP_STATE_DIR": str(cloud.state_dir), **environment}
    with screen(sys.executable, "-m", "boxship", *words, environment={**inherited, **own}) as shown:
        yield shown


def test_all_options_of_run_reach_the_cloud(cloud: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "greeting").write_text("hello")
    cloud.ok(
        *("run", "--name", "full", "-e", "A=1", "-l", "tier=db", "-w", "/srv", "--hostname", "box", "--cpus", "0.5"),
        *("-m", "64m", "--disk", "2", "--restart", "on-failure:2", "--entrypoint", "tini", "--auto-heal"),
        *("--health-cmd", "true", "--health-interval", "7", "--health-retries", "2", "--health-timeout", "3"),
        *(
            "-v",
            "data:/data",
            "-v",
            "1:/scratch",
            "--file",
            f"{tmp_path / 'greeting'}:/etc/greeting",
        ),
        *("--ip", "10.20.0.99", "-t", "-i", "-d", "busybox", "--", "sleep", "9"),
    )
    made = one(cloud, "full")
    expected = {
        "environment": {"A": "1"}, "labels": {"tier": "db"}, "workdir": "/srv", "hostname": "box", "cpu": 0.5,
        "memory": "64", "disk": 2, "entrypoint": ["tini"], "command": ["sleep", "9"], "auto_heal": True,
        "interactive": True, "tty": True, "status": "Running",
    }  # fmt: skip
    assert {name: made[name] for name in expected} == expected
    assert made["restart_policy"] == {"Name": "on-failure", "MaximumRetryCount": "2"}
    health = {name: str(value) for name, value in made["healthcheck"].items()}
    assert (health["test"], health["interval"], health["retries"], health["timeout"]) == ("true", "7", "2", "3")
    (address,) = [entry["addr"] for entries in made["addresses"].values() for entry in entries]
    assert address == "10.20.0.99"
    cloud.ok("rm", "-f", "full")


def test_only_an_administrator_may_be_privileged_or_choose_the_host(cloud: CommandLine) -> None:
    for option in (["--privileged"], ["--host", "somewhere"], ["--pull", "always"]):
        done = cloud.run("run", *option, "busybox")
        assert done.returncode == 5, done.stderr


def test_ps_filters(cloud: CommandLine, pair: tuple[str, str]) -> None:
    assert set(listed(cloud, "name=alph")) == {"alpha"}
    assert set(listed(cloud, "label=which=beta")) == {"beta"}
    assert set(listed(cloud, "label=which")) == set(pair)
    assert set(listed(cloud, "label=which", "name=alpha", "name=beta", "status=RUNNING")) == set(pair)
    assert listed(cloud, "status=paused", "label=which") == {}
    assert set(listed(cloud, "network=default", "label=which")) == set(pair)
    first = listed(cloud)["alpha"]["id"]
    assert set(listed(cloud, f"id={first[:8]}")) == {"alpha"}
    assert cloud.ok("ps", "-aq", "-f", "name=alpha") == f"{first}\n"
    assert cloud.run("ps", "--filter", "colour=red").returncode == 2


def test_actions_take_several_and_report_each_failure(cloud: CommandLine, pair: tuple[str, str]) -> None:
    first = listed(cloud)["alpha"]["id"]
    done = cloud.run("pause", first, "nobody", "beta")
    assert (done.returncode, done.stdout.split()) == (4, [first, "beta"])
    assert done.stderr.count("boxship: ") == 1
    assert {row["state"] for row in listed(cloud, "label=which").values()} == {"Paused"}
    assert cloud.run("pause", *pair).returncode == 1, "they are paused already"
    assert cloud.ok("unpause", *pair).split() == list(pair)
    assert cloud.ok("restart", "--time", "1", *pair).split() == list(pair)
    assert cloud.ok("stop", *pair).split() == list(pair)
    assert {row["state"] for row in listed(cloud, "label=which").values()} == {"Stopped"}
    assert len(cloud.ok("wait", *pair).split()) == 2
    assert cloud.ok("start", *pair).split() == list(pair)
    assert cloud.ok("kill", "--signal", "HUP", "beta").split() == ["beta"]
    assert cloud.ok("rebuild", "alpha").split() == ["alpha"]
    cloud.run("start", *pair)


def test_update_and_rename(cloud: CommandLine, pair: tuple[str, str]) -> None:
    cloud.ok("update", "--memory", "72", "--cpus", "0.25", *pair)
    assert [(one(cloud, name)["memory"], one(cloud, name)["cpu"]) for name in pair] == [("72", 0.25)] * 2
    assert cloud.run("update", "alpha").returncode == 2
    cloud.ok("rename", "alpha", "gamma")
    assert "alpha" not in listed(cloud)
    cloud.ok("rename", "gamma", "alpha")
    done = cloud.run("inspect", "nobody", "alpha")
    assert (done.returncode, [row["name"] for row in json.loads(done.stdout)]) == (4, ["alpha"])


def test_networks(cloud: CommandLine, pair: tuple[str, str]) -> None:
    rows = json.loads(cloud.ok("network", "ls", "--format", "json"))
    assert {"default", "public"} <= {row["name"] for row in rows}
    (plug,) = json.loads(cloud.ok("network", "ls", "alpha", "--format", "json"))
    assert plug["name"] == "default"
    assert plug["addresses"] == listed(cloud)["alpha"]["addresses"]
    assert cloud.run("network", "attach", "nowhere", "alpha").returncode == 4
    assert cloud.run("network", "attach", "default", "alpha").returncode == 1, "it is there already"
    assert cloud.ok("network", "detach", "default", "alpha") == "alpha\n"
    assert json.loads(cloud.ok("network", "ls", "alpha", "--format", "json")) == []
    assert cloud.ok("network", "attach", "--ip", "10.20.0.201", "default", "alpha") == "alpha\n"
    (plug,) = json.loads(cloud.ok("network", "ls", "alpha", "--format", "json"))
    assert plug["addresses"] == ["10.20.0.201"]


def test_logs(cloud: CommandLine, pair: tuple[str, str]) -> None:
    text = cloud.ok("logs", "alpha")
    assert text.endswith("\n")
    lines = text.splitlines()
    assert cloud.ok("logs", *pair).splitlines() == [f"{name:<5} | {line}" for name in pair for line in lines]
    done = cloud.run("logs", "alpha", "nobody", "beta")
    assert done.returncode == 4
    assert len(done.stdout.splitlines()) == 2 * len(lines)
    assert cloud.run("logs", "--since", "yesterday", "alpha").returncode == 2
    cloud.ok("stop", *pair)
    followed = cloud.ok("logs", "--follow", *pair).splitlines()
    assert sorted(followed) == sorted(f"{name:<5} | {line}" for name in pair for line in lines)
    cloud.ok("start", *pair)


def test_usage_and_processes(cloud: CommandLine, pair: tuple[str, str]) -> None:
    rows = json.loads(cloud.ok("stats", "--no-stream", "--format", "json", *pair))
    assert [row["name"] for row in rows] == list(pair)
    assert all(row["memory_limit_bytes"] > row["memory_bytes"] > 0 for row in rows)
    table = cloud.ok("stats", "--no-stream").splitlines()
    assert table[0].split() == ["NAME", "CPU", "MEMORY", "MEMORY", "PERCENT", "NETWORK", "BLOCK"]
    assert cloud.run("stats", "--no-stream", "nobody").returncode == 4
    assert cloud.ok("top", "alpha").split()[:2] == ["UID", "PID"]
    assert [entry["container"] for entry in json.loads(cloud.ok("top", "--format", "json", *pair))] == list(pair)


def test_files_go_there_and_back(cloud: CommandLine, pair: tuple[str, str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("content")
    cloud.ok("cp", str(tmp_path / "file"), "alpha:/tmp/")
    cloud.ok("cp", "alpha:/tmp/file", str(tmp_path / "back"))
    assert (tmp_path / "back").read_text() == "content"
    done = cloud.run("cp", "alpha:/nothing", str(tmp_path / "nothing"))
    assert done.returncode == 1
    assert "/nothing" in done.stderr
    assert not (tmp_path / "nothing").exists()
    assert cloud.run("cp", "alpha:/tmp/file", "beta:/tmp").returncode == 2
    assert cloud.run("cp", str(tmp_path / "absent"), "alpha:/tmp").returncode == 4
    assert cloud.run("cp", "nobody:/tmp", str(tmp_path)).returncode == 4
    assert cloud.run("cp", str(tmp_path / "file"), "nobody:/tmp").returncode == 4


def test_an_archive_on_stdout(cloud: CommandLine, pair: tuple[str, str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("content")
    cloud.ok("cp", str(tmp_path / "file"), "beta:/tmp")
    with typing(cloud, "cp", "beta:/tmp/file", "-") as shown:
        assert shown.ends() == 2, "no archive on a terminal"
    words = [sys.executable, "-m", "boxship", "cp", "beta:/tmp/file", "-", "--state-dir", str(cloud.state_dir)]
    done = subprocess.run(words, capture_output=True, check=True, env={"PATH": os.environ["PATH"]})
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        assert archive.getnames() == ["file"]


def test_exec_needs_no_terminal_to_be_interactive(cloud: CommandLine, pair: tuple[str, str]) -> None:
    assert cloud.run("exec", "-it", "nobody", "sh").returncode == 4
    assert cloud.run("attach", "nobody").returncode == 4
    assert cloud.run("exec", "--unknown", "alpha", "true").returncode == 2


def test_colours_are_for_terminals_only(cloud: CommandLine, pair: tuple[str, str]) -> None:
    assert "\x1b[" not in cloud.ok("ps") + cloud.run("logs", *pair).stdout
    for command in (["ps"], ["logs", *pair]):
        with typing(cloud, *command) as shown:
            assert shown.ends() == 0
            assert "\x1b[3" in shown.seen
        with typing(cloud, *command, NO_COLOR="1") as shown:
            assert shown.ends() == 0
            assert "\x1b[" not in shown.seen


def test_names_are_completed(cloud: CommandLine, pair: tuple[str, str]) -> None:
    def offered(line: str, **environment: str) -> list[str]:
        words = line.split(" ")
        own = {"_BOXSHIP_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
        run = "import sys; sys.argv = ['boxship']; from boxship.__main__ import main; main()"
        done = subprocess.run(
            [sys.executable, "-c", run],
            env={"PATH": os.environ["PATH"], "BOXSHIP_STATE_DIR": str(cloud.state_dir), **own, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stderr == ""
        return [text.partition(",")[2] for text in done.stdout.splitlines() if text]

    assert offered("boxship rm alp") == ["alpha"]
    assert offered("boxship rm alpha ") == ["beta"]
    assert offered("boxship exec be") == ["beta"]
    assert "alpha:" in offered("boxship cp al")
    assert offered("boxship run --network def") == ["default"]
    assert offered("boxship lo") == ["logs"]
    assert offered("boxship capsule c") == ["create"]
    assert offered("boxship rm alp", BOXSHIP_STATE_DIR="/nowhere") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_takes_what_completion_prints(cloud: CommandLine, shell: str) -> None:
    text = cloud.ok("completion", shell)
    assert "_BOXSHIP_COMPLETE" in text
    if shell == "bash":
        subprocess.run(["bash", "-n"], input=text, text=True, check=True)


def test_keys_that_let_go_are_checked_before_anything_is_made(cloud: CommandLine) -> None:
    before = set(listed(cloud))
    assert cloud.run("run", "-it", "--detach-keys", "ctrl-", "busybox").returncode == 2
    assert cloud.run("run", "--rm", "--publish", "80", "busybox").returncode == 2
    assert set(listed(cloud)) == before


def test_a_terminal_in_a_container(cloud: CommandLine, pair: tuple[str, str]) -> None:
    """The fake engine repeats what is typed."""
    with typing(cloud, "exec", "-it", "alpha", "sh") as shown:
        shown.until("fake engine")
        shown.type("typed")
        shown.until("typed")
        shown.type("\x10\x11")
        assert shown.ends() == 0
        assert "runs on" in shown.seen
        assert shown.settings() == shown.before
    assert cloud.run("attach", "--no-stdin", "nobody").returncode == 4


def test_run_with_a_terminal_until_the_keys_let_go(cloud: CommandLine) -> None:
    with typing(cloud, "run", "-it", "--name", "shell", "busybox", "--", "sleep", "9") as shown:
        shown.until("fake engine")
        shown.type("\x10\x11")
        assert shown.ends() == 0
        assert shown.settings() == shown.before
    assert listed(cloud)["shell"]["state"] == "Running"
    with typing(cloud, "attach", "--detach-keys", "q", "shell") as shown:
        shown.until("fake engine")
        shown.type("q")
        assert shown.ends() == 0
    cloud.ok("rm", "-f", "shell")


def test_run_ends_as_the_container_does_and_removes_it(cloud: CommandLine) -> None:
    with typing(cloud, "run", "-it", "--rm", "--name", "short", "busybox", "--", "false") as shown:
        assert shown.ends() == 1
    assert "short" not in listed(cloud)


def test_input_from_a_pipe(cloud: CommandLine, pair: tuple[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "boxship", "exec", "--state-dir", str(cloud.state_dir), "-i", "alpha", "cat"],
        env={"PATH": os.environ["PATH"]},
        input=b"\x00\xff piped\n",
        capture_output=True,
        check=True,
    )
    assert done.stdout.endswith(b"\x00\xff piped\n")


def test_a_container_becomes_an_image(cloud: CommandLine, pair: tuple[str, str]) -> None:
    uuid = cloud.ok("commit", "alpha", "made/of-alpha:v1").strip()
    assert json.loads(cloud.ok("images", "--format", "json", "of-alpha"))[0]["id"] == uuid
    assert cloud.run("commit", "nobody", "made").returncode == 4
    assert cloud.run("commit", "alpha", "Not A Name").returncode == 1


def test_the_password_of_a_registry_is_read_and_never_shown(cloud: CommandLine) -> None:
    words = [
        sys.executable,
        "-m",
        "boxship",
        "registry",
        "create",
        "mine",
        "--domain",
        "r.example:5000",
        "--username",
        "ci",
    ]
    environment = {"PATH": os.environ["PATH"], "BOXSHIP_STATE_DIR": str(cloud.state_dir)}
    made = subprocess.run(words, env=environment, input="hush-hush\n", capture_output=True, text=True, check=True)
    with typing(cloud, *words[3:], "--username", "other") as shown:
        shown.until("Password of other at r.example:5000")
        shown.type("hush-hush\n")
        shown.ends()
        assert "hush" not in shown.seen
    text = cloud.ok("registry", "ls", "--format", "json")
    assert made.stdout.strip() in {row["id"] for row in json.loads(text)}
    assert {row["username"] for row in json.loads(text)} <= {"ci", "other"}
    assert "hush" not in text + made.stdout + made.stderr + cloud.ok("registry", "ls")
    done = cloud.run("registry", "rm", *(row["id"] for row in json.loads(text)), "nobody")
    assert (done.returncode, len(done.stdout.split())) == (4, len(json.loads(text)))
    assert json.loads(cloud.ok("registry", "ls", "--format", "json")) == []


def test_images_are_fetched_to_hosts(cloud: CommandLine) -> None:
    done = cloud.run("pull", "nginx:1.29", "no/such-image:latest", "busybox")
    again = cloud.run("pull", "nginx:1.29")
    assert again.returncode == 0, again.stderr
    assert again.stdout.strip() in done.stdout.split()
    rows = {row["name"]: row for row in json.loads(cloud.ok("images", "--on-hosts", "--format", "json"))}
    assert (rows["nginx"]["tag"], rows["nginx"]["status"]) == ("1.29", "active")
    assert rows["busybox"]["tag"] == "latest"
    assert cloud.ok("images", "--on-hosts", "--quiet", "nginx") == f"{rows['nginx']['id']}\n"
    assert cloud.run("pull", "--host", "nowhere", "nginx").returncode == 1


def test_a_capsule_from_its_template_to_its_end(cloud: CommandLine, tmp_path: Path) -> None:
    template = tmp_path / "pod.yaml"
    template.write_text(
        "kind: capsule\ncapsuleVersion: beta\nmetadata: {name: pod}\nspec:\n  containers:\n"
        "    - {image: busybox, command: [sleep, '9'], resources: {requests: {cpu: 0.1, memory: 64}}}\n"
    )
    assert cloud.ok("capsule", "create", "--file", str(template)) == "pod\n"
    (row,) = json.loads(cloud.ok("capsule", "ls", "--format", "json"))
    assert (row["name"], row["status"]) == ("pod", "Running")
    done = cloud.run("capsule", "show", "nobody", "pod")
    assert (done.returncode, [len(found["containers"]) for found in json.loads(done.stdout)]) == (4, [1])
    assert "pod" not in cloud.ok("ps")
    assert cloud.ok("capsule", "rm", "pod") == "pod\n"
    assert json.loads(cloud.ok("capsule", "ls", "--format", "json")) == []
    template.write_text("kind: [")
    assert cloud.run("capsule", "create", "-f", str(template)).returncode == 1
    template.write_text("kind: other\n")
    done = cloud.run("capsule", "create", "-f", str(template))
    assert (done.returncode, "template" in done.stderr) == (1, True)


@pytest.mark.parametrize("words", [["logs", "-f", "alpha"], ["logs", "-f", "alpha", "beta"], ["stats"]])
def test_an_interrupt_ends_what_goes_on(cloud: CommandLine, pair: tuple[str, str], words: list[str]) -> None:
    with typing(cloud, *words) as shown:
        shown.until("nothing runs" if words[0] == "logs" else "alpha")
        shown.type("\x03")
        assert shown.ends() == (0 if words[0] == "stats" else 130)
        assert "Traceback" not in shown.seen
        assert shown.settings() == shown.before


@pytest.mark.parametrize("words", [["logs", "-f", "alpha", "beta"], ["ps"], ["stats", "alpha"]])
def test_a_reader_who_leaves_hears_no_complaint(cloud: CommandLine, pair: tuple[str, str], words: list[str]) -> None:
    command = [sys.executable, "-m", "boxship", *words, "--state-dir", str(cloud.state_dir)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={"PATH": os.environ["PATH"]}
    ) as program:
        assert program.stdout and program.stderr
        program.stdout.close()
        cloud.ok("exec", "alpha", "true")
        if words[0] == "logs":
            cloud.ok("restart", "--time", "0", *pair)
        program.wait(60)
        assert program.stderr.read() == b""


def test_a_session_that_the_cloud_ends_says_why(cloud: CommandLine) -> None:
    cloud.ok("run", "--name", "doomed", "-itd", "busybox", "--", "sleep", "9")
    with typing(cloud, "attach", "doomed") as shown:
        shown.until("nothing runs")
        cloud.ok("rm", "--force", "doomed")
        assert shown.ends() != 0
        assert "Traceback" not in shown.seen
        assert shown.settings() == shown.before
