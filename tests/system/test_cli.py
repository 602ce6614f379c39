"""The commands about containers, as a user types them, on real containers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.pseudo import Screen, screen
from tests.system import registry
from tests.system.installation import BOXSHIP, Installation
from tests.system.waiting import until

pytestmark = [pytest.mark.system, pytest.mark.xdist_group("system"), pytest.mark.timeout(300)]


def ids(cloud: Installation, *filters: str) -> list[str]:
    words = [word for text in filters for word in ("--filter", text)]
    return cloud.command("ps", "--quiet", *words).stdout.split()


@contextmanager
def typing(cloud: Installation, *words: str, columns: int = 80, lines: int = 24) -> Iterator[Screen]:
    """A command on a terminal."""
    with screen(*BOXSHIP, *words, environment=cloud.environment, columns=columns, lines=lines) as shown:
        yield shown


@contextmanager
def running(cloud: Installation, *names: str, command: str = "sleep 1000") -> Iterator[None]:
    """Containers that are removed at the end."""
    try:
        for name in names:
            cloud.command("run", "--name", name, "--memory", "64", "busybox", "--", "sh", "-c", command)
        yield
    finally:
        cloud.command("rm", "--force", *names, check=False)


def test_a_terminal_in_a_new_container(cloud: Installation) -> None:
    with typing(
        cloud, "run", "-it", "--rm", "--name", "cli-shell", "busybox", "--", "sh", columns=91, lines=17
    ) as shown:
        shown.type("busybox stty size; echo $((6 * 7)); exit 7\n")
        shown.until("17 91")
        shown.until("42")
        assert shown.ends() == 7
        assert shown.settings() == shown.before
    assert ids(cloud, "name=cli-shell") == []


def test_a_new_size_reaches_the_container(cloud: Installation) -> None:
    with running(cloud, "cli-size"), typing(cloud, "exec", "-it", "cli-size", "sh") as shown:
        shown.type("echo re''ady\n")
        shown.until("ready")
        shown.resize(132, 43)
        script = "while [ \"$(busybox stty size)\" != '43 132' ]; do :; done; echo grown; exit 3\n"
        shown.type(script)
        shown.until("\ngrown")
        assert shown.ends() == 3
        assert shown.settings() == shown.before


def test_the_keys_that_let_go_leave_it_running(cloud: Installation) -> None:
    try:
        with typing(cloud, "run", "-it", "--name", "cli-detach", "busybox", "--", "sh") as shown:
            shown.type("kept=yes; echo be''fore\n")
            shown.until("\nbefore")
            shown.type("\x10")
            shown.type("\x11")
            assert shown.ends() == 0
            assert "runs on" in shown.seen
            assert shown.settings() == shown.before
        assert ids(cloud, "name=cli-detach", "status=running")
        with typing(cloud, "attach", "--detach-keys", "ctrl-x", "cli-detach") as shown:
            shown.type("echo still $kept; exit 5\n")
            shown.until("still yes")
            assert shown.ends() == 5
        assert cloud.command("wait", "cli-detach").stdout == "5\n"
    finally:
        cloud.command("rm", "--force", "cli-detach", check=False)


def test_what_ends_at_once_is_shown_all_the_same(cloud: Installation) -> None:
    for options in (["-it"], ["-i"], ["-t"]):
        with typing(
            cloud, "run", *options, "--rm", "--name", "cli-short", "busybox", "--", "sh", "-c", "echo done; exit 4"
        ) as shown:
            assert shown.ends() == 4, shown.seen
            assert "done" in shown.seen
    assert ids(cloud, "name=cli-short") == []


def test_pipes_through_a_command(cloud: Installation, tmp_path: Path) -> None:
    data = os.urandom(1 << 20)
    with running(cloud, "cli-pipe"):
        done = subprocess.run(
            [*BOXSHIP, "exec", "-i", "cli-pipe", "sh", "-c", "cat > /tmp/in; cat /tmp/in; exit 9"],
            env=cloud.environment,
            input=data,
            capture_output=True,
            timeout=120,
            check=False,
        )
        assert (done.returncode, done.stdout == data) == (9, True), done.stderr
        plain = cloud.command("exec", "cli-pipe", "sh", "-c", "echo out; echo err >&2; exit 2", check=False)
        assert (plain.returncode, sorted(plain.stdout.splitlines())) == (2, ["err", "out"])


def test_a_tree_goes_into_a_container_and_comes_back(cloud: Installation, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "deep" / "empty").mkdir(parents=True)
    (tree / "deep" / "data").write_bytes(os.urandom(3 << 20))
    (tree / "script").write_text("#!/bin/sh\necho ran\n")
    (tree / "script").chmod(0o755)
    (tree / "link").symlink_to("deep/data")
    with running(cloud, "cli-copy"):
        cloud.command("cp", str(tree), "cli-copy:/tmp")
        assert cloud.command("exec", "cli-copy", "/tmp/tree/script").stdout == "ran\n"
        cloud.command("cp", "cli-copy:/tmp/tree", str(tmp_path / "back"))
        assert _same(tree, tmp_path / "back")
        cloud.command("cp", f"{tree}/.", "cli-copy:/www")
        assert "script" in cloud.command("exec", "cli-copy", "ls", "/www").stdout.split()
        cloud.command("cp", str(tree / "script"), "cli-copy:/tmp/renamed")
        (tmp_path / "into").mkdir()
        cloud.command("cp", "cli-copy:/tmp/renamed", str(tmp_path / "into"))
        assert (tmp_path / "into" / "renamed").read_text() == (tree / "script").read_text()
        archive = subprocess.run(
            [*BOXSHIP, "cp", "cli-copy:/tmp/tree", "-"], env=cloud.environment, capture_output=True, check=True
        ).stdout
        subprocess.run(
            [*BOXSHIP, "cp", "-", "cli-copy:/etc"],
            env=cloud.environment,
            input=archive,
            capture_output=True,
            check=True,
        )
        assert cloud.command("exec", "cli-copy", "/etc/tree/script").stdout == "ran\n"
        for wrong in (
            ["cli-copy:/nothing", "."],
            [str(tree), "cli-copy:/tmp/renamed"],
            [str(tree / "script"), "cli-copy:/no/x"],
        ):
            done = cloud.command("cp", *wrong, check=False)
            assert done.returncode in {1, 4}
            assert "Traceback" not in done.stderr
        assert cloud.command("cp", "nobody:/etc", str(tmp_path / "x"), check=False).returncode == 4


def _same(one: Path, other: Path) -> bool:
    done = subprocess.run(["diff", "--recursive", "--no-dereference", one, other], capture_output=True, check=False)
    modes = [
        sorted((str(path.relative_to(top)), path.lstat().st_mode) for path in top.rglob("*")) for top in (one, other)
    ]
    return done.returncode == 0 and modes[0] == modes[1]


def test_a_container_cannot_write_beside_the_target(cloud: Installation, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("good")
    script = (
        f"mkdir -p /tmp/t; ln -s {victim} /tmp/t/link; ln -s ../../victim /tmp/t/up; echo ok > /tmp/t/file; sleep 1000"
    )
    with running(cloud, "cli-hostile", command=script):
        until(
            lambda: "file" in cloud.command("exec", "cli-hostile", "ls", "/tmp/t", check=False).stdout,
            "the tree is there",
        )
        done = cloud.command("cp", "cli-hostile:/tmp/t", str(tmp_path / "copy"), check=False)
    assert done.returncode == 1
    assert done.stderr.count("is left out") == 2
    assert [path.name for path in (tmp_path / "copy").iterdir()] == ["file"]
    assert victim.read_text() == "good"


def test_logs_of_two_containers_as_they_grow(cloud: Installation) -> None:
    names = ("cli-first", "cli-second")
    script = 'echo started; while [ ! -e /tmp/go ]; do busybox sleep 0.1; done; echo "all of it"; exit 0'
    with running(cloud, *names, command=script):
        words = [*BOXSHIP, "logs", "--follow", *names]
        with subprocess.Popen(words, env=cloud.environment, stdout=subprocess.PIPE, text=True) as follower:
            seen: list[str] = []
            assert follower.stdout is not None
            reader = threading.Thread(target=lambda: seen.extend(follower.stdout or ()))
            reader.start()
            until(lambda: len(seen) == 2, "both have said that they started")
            for name in names:
                cloud.command("exec", name, "touch", "/tmp/go")
            reader.join(60)
            assert follower.wait(60) == 0
        assert sorted(seen) == [f"{name:<10} | {text}\n" for name in names for text in ("all of it", "started")]
        assert cloud.command("logs", "--tail", "1", names[0]).stdout == "all of it\n"
        assert cloud.command("logs", "--since", "1h", names[0]).stdout == "started\nall of it\n"
        stamped = cloud.command("logs", "--timestamps", names[1]).stdout.splitlines()
        assert all(line[:2] == "20" and line.split(" ", 1)[1] in {"started", "all of it"} for line in stamped)


def test_usage_once_and_live(cloud: Installation) -> None:
    with running(cloud, "cli-busy", command="while :; do :; done"), running(cloud, "cli-idle"):
        found = json.loads(cloud.command("stats", "--no-stream", "--format", "json", "cli-busy", "cli-idle").stdout)
        assert [row["name"] for row in found] == ["cli-busy", "cli-idle"]
        assert found[0]["cpu_percent"] > 10 * (found[1]["cpu_percent"] + 0.1)
        assert found[0]["memory_limit_bytes"] == 64 << 20
        assert "while :" in cloud.command("top", "cli-busy").stdout
        with typing(cloud, "stats", "cli-busy", "cli-idle") as shown:
            shown.until("cli-idle")
            shown.until("cli-idle")
            shown.type("\x03")
            assert shown.ends() == 0
            assert "Traceback" not in shown.seen
            assert shown.settings() == shown.before


def test_many_at_once_from_start_to_end(cloud: Installation) -> None:
    names = ("cli-one", "cli-two")
    with running(cloud, *names, command="trap 'exit 0' TERM HUP; while :; do busybox sleep 0.1; done"):
        done = cloud.command("pause", *names, "nobody", check=False)
        assert (done.returncode, done.stdout.split()) == (4, list(names))
        assert len(ids(cloud, "name=cli-", "status=paused")) == 2
        assert cloud.command("unpause", *names).stdout.split() == list(names)
        cloud.command("update", "--memory", "96", *names)
        cloud.command("kill", "--signal", "HUP", names[0])
        assert cloud.command("wait", names[0]).stdout == "0\n"
        cloud.command("restart", *names)
        cloud.command("stop", "--time", "5", *names)
        assert len(ids(cloud, "name=cli-", "status=stopped")) == 2
        cloud.command("start", *names)
        cloud.command("rename", names[0], "cli-renamed")
        (found,) = json.loads(cloud.command("inspect", "cli-renamed").stdout)
        assert (found["memory"], found["status"]) == ("96", "Running")
        cloud.command("rename", "cli-renamed", names[0])


def test_a_killed_terminal_is_as_it_was(cloud: Installation) -> None:
    with running(cloud, "cli-killed"), typing(cloud, "exec", "-it", "cli-killed", "sh") as shown:
        shown.type("echo re''ady\n")
        shown.until("ready")
        shown.program.send_signal(signal.SIGTERM)
        assert shown.ends() == 128 + signal.SIGTERM
        assert shown.settings() == shown.before


def test_a_changed_container_becomes_an_image_and_that_a_container(cloud: Installation) -> None:
    try:
        with running(cloud, "cli-changed"):
            cloud.command("exec", "cli-changed", "sh", "-c", "echo changed > /www/note")
            image = cloud.command("commit", "cli-changed", "cli-image:v1").stdout.strip()
        assert image in cloud.command("images", "--quiet", "cli-image").stdout.split()
        done = cloud.command(
            "run", "-i", "--rm", "--name", "cli-again", "--image-driver", "glance", image, "cat", "/www/note"
        )
        assert done.stdout == "changed\n"
    finally:
        cloud.command("rm", "--force", "cli-again", check=False)
        cloud.session().ask("DELETE", f"/image/v2/images/{image}")


def test_a_capsule(cloud: Installation, tmp_path: Path) -> None:
    (tmp_path / "pod.yaml").write_text(
        "kind: capsule\ncapsuleVersion: beta\nmetadata: {name: cli-pod}\nspec:\n  containers:\n"
        "    - {image: busybox, command: [httpd, -f, -p, '80', -h, /www], resources: {requests: {cpu: 0.1, memory: 64}}}\n"
        "    - {image: busybox, command: [sleep, '1000'], resources: {requests: {cpu: 0.1, memory: 64}}}\n"
    )
    try:
        assert cloud.command("capsule", "create", "--file", str(tmp_path / "pod.yaml")).stdout == "cli-pod\n"
        (found,) = json.loads(cloud.command("capsule", "show", "cli-pod").stdout)
        assert [container["status"] for container in found["containers"]] == ["Running", "Running"]
        assert "cli-pod" in cloud.command("capsule", "ls").stdout
    finally:
        cloud.command("capsule", "rm", "cli-pod", check=False)
    assert "cli-pod" not in cloud.command("capsule", "ls").stdout


def test_an_image_comes_to_a_host_under_the_eyes_of_the_user(cloud: Installation) -> None:
    with registry.serving() as here:
        done = cloud.command("pull", here.image.replace("small", "missing"), check=False)
        assert done.returncode == 1
        assert "missing" in done.stderr
        here.free.clear()
        with typing(cloud, "pull", here.image) as shown:
            shown.until("Pull")
            here.free.set()
            assert shown.ends() == 0
            assert shown.settings() == shown.before
        (image,) = json.loads(cloud.command("images", "--on-hosts", "--format", "json", here.image[:-2]).stdout)
        assert image["status"] == "active"
        assert cloud.command("pull", here.image).stdout == f"{image['id']}\n", "it is there already"
        failed = json.loads(cloud.command("images", "--on-hosts", "--format", "json", "missing").stdout)
        for row in (image, *failed):
            cloud.session("admin").ask("DELETE", f"/container/v1/images/{row['id']}")
