"""The runtime's two files, run with a stand-in for runc: what they do to a bundle, and what they refuse."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from boxship.drivers.engine import runtime
from boxship.drivers.engine.runtime import Note

NETWORK_HOOK = {"path": "/proc/1/exe", "args": ["libnetwork-setkey", "-exec-root=/x", "id", "controller"]}
OTHER_HOOK = {"path": "/bin/true", "args": ["true"]}


class Bench:
    """A bundle, a sandbox's note and an installed runtime in a directory of the test's own."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.bundle = directory / "a bundle"
        self.bundle.mkdir()
        self.said = directory / "said"
        programs = directory / "programs"
        programs.mkdir()
        runc = programs / "runc"
        runc.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > "{self.said}"\n')
        runc.chmod(0o755)
        monkeypatch.setenv("PATH", str(programs), prepend=":")
        self.notes = directory / "it's notes"
        monkeypatch.setattr(runtime, "SANDBOXES", self.notes)
        self.script = runtime.install(directory / "the state's engine")

    def config(self, **hooks: list[object]) -> None:
        spaces = [{"type": "mount"}, {"type": "network"}, {"type": "pid"}]
        config = {"hooks": hooks, "linux": {"namespaces": spaces}, "process": {"args": ["sh", "ü\u2028"]}}
        (self.bundle / "config.json").write_text(json.dumps(config))

    def call(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([self.script, *words], capture_output=True, text=True, check=False)

    def create(self, id: str = "abc") -> subprocess.CompletedProcess[str]:
        log = str(self.bundle / "log.json")
        return self.call(
            "--root", "/x", "--log", log, "--log-format", "json", "create", "--bundle", str(self.bundle), id
        )


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(tmp_path, monkeypatch)


def test_the_sandbox_goes_in_and_the_network_hook_out(bench: Bench) -> None:
    bench.config(prestart=[OTHER_HOOK, NETWORK_HOOK], createRuntime=[NETWORK_HOOK])
    runtime.assign("abc", Note(Path("/proc")))  # any mount point is as good as a namespace's here
    done = bench.create()
    assert done.returncode == 0, done.stderr
    config = json.loads((bench.bundle / "config.json").read_text())
    assert config["linux"]["namespaces"] == [{"type": "mount"}, {"type": "network", "path": "/proc"}, {"type": "pid"}]
    assert config["hooks"] == {"prestart": [OTHER_HOOK], "createRuntime": []}
    assert config["process"] == {"args": ["sh", "ü\u2028"]}
    assert bench.said.read_text().splitlines()[-3:] == ["--bundle", str(bench.bundle), "abc"]


def test_a_pod_goes_in_too(bench: Bench) -> None:
    spaces = [{"type": "ipc"}, {"type": "mount"}, {"type": "network"}]
    (bench.bundle / "config.json").write_text(json.dumps({"linux": {"namespaces": spaces}}, indent=1))
    runtime.assign("abc", Note(Path("/proc"), Path("/dev")))
    done = bench.create()
    assert done.returncode == 0, done.stderr
    config = json.loads((bench.bundle / "config.json").read_text())
    assert config["linux"]["namespaces"] == [
        {"type": "ipc", "path": "/dev"},
        {"type": "mount"},
        {"type": "network", "path": "/proc"},
    ]


def test_a_pod_goes_in_quickly(bench: Bench) -> None:
    spaces = [{"type": kind} for kind in ("mount", "network", "uts", "pid", "ipc", "cgroup")]
    config = {"process": {"env": ['"namespaces":[{"type":"ipc"}']}, "linux": {"namespaces": spaces}}
    (bench.bundle / "config.json").write_text(written_by_go(config))
    runtime.assign("abc", Note(NAMESPACE, Path("/proc/self/ns/ipc")))
    (bench.script.parent / "enter.py").write_text("raise SystemExit('the quick way was not taken')")
    done = bench.create()
    assert done.returncode == 0, done.stderr
    spaces[1]["path"], spaces[4]["path"] = str(NAMESPACE), "/proc/self/ns/ipc"
    assert json.loads((bench.bundle / "config.json").read_text()) == config


@pytest.mark.parametrize("pod", ["/never/made", "/etc"])
def test_outside_of_its_pod_nothing_starts(bench: Bench, pod: str) -> None:
    (bench.bundle / "config.json").write_text(
        written_by_go({"linux": {"namespaces": [{"type": "network"}, {"type": "ipc"}]}})
    )
    runtime.assign("abc", Note(Path("/proc"), Path(pod)))
    done = bench.create()
    assert done.returncode == 1
    assert "sandbox of the container is not ready" in done.stderr
    assert not bench.said.exists()


@pytest.mark.parametrize("kind", ["mount", "user"])
def test_without_an_ipc_namespace_nothing_enters_a_pod(bench: Bench, kind: str) -> None:
    (bench.bundle / "config.json").write_text(
        written_by_go({"linux": {"namespaces": [{"type": "network"}, {"type": kind}]}})
    )
    runtime.assign("abc", Note(NAMESPACE, Path("/proc/self/ns/ipc")))
    done = bench.create()
    assert done.returncode == 1
    assert not bench.said.exists()


def test_a_container_of_a_pod_is_forgotten_without_the_others(bench: Bench) -> None:
    sandbox, ipc = Path("/run/netns/boxship-12-sandbox-p"), Path("/run/boxship/pods/12/p/ipc")
    notes = {engine_id: Note(sandbox, ipc, id) for engine_id, id in {"abc": "c1", "abd": "c2"}.items()}
    for engine_id, note in notes.items():
        runtime.assign(engine_id, note)
    assert runtime.forget_all("boxship-12-", "c2") == {"abd": notes["abd"]}
    assert runtime.forget_all("boxship-12-", "c2") == {}
    assert runtime.forget_all("boxship-12-") == {"abc": notes["abc"]}
    assert list(bench.notes.iterdir()) == []


def test_a_note_from_before_pods(bench: Bench) -> None:
    id = "4a29ac72-5d87-4cc1-a85b-2f5c1d8b1f0e"
    bench.notes.mkdir()
    (bench.notes / "abc").write_text(f"/run/netns/boxship-12-sandbox-{id}\n")
    assert runtime.forget_all("boxship-12-", id) == {"abc": Note(Path(f"/run/netns/boxship-12-sandbox-{id}"), id=id)}


@pytest.mark.parametrize("note", [None, "/never/made", "/etc"])
def test_without_a_namespace_nothing_starts(bench: Bench, note: str | None) -> None:
    bench.config()
    if note:
        runtime.assign("abc", Note(Path(note)))
    done = bench.create()
    assert done.returncode == 1
    assert "sandbox of the container is not ready" in done.stderr
    assert not bench.said.exists()
    assert json.loads((bench.bundle / "log.json").read_text())["level"] == "error"


AS_DOCKERD_WRITES = {"prestart": [NETWORK_HOOK | {"path": "/proc/12/exe"}]}
NAMESPACE = Path("/proc/self/ns/net")
TRAPS = [
    '{"type":"network"}',
    '"namespaces":[{"type":"network"}',
    '","namespaces":[{"type":"network"},"',
    '\\","namespaces":[{"type":"network"},"',
    '"hooks":{"prestart":[{"path":"/proc/1/exe","args":["libnetwork-setkey"]}]}',
    "{",
    "\\",
    "a\nb",
    "#&\\1",
]


def written_by_go(config: object) -> str:
    """As encoding/json writes it: no spaces, one line, some characters as escapes."""
    text = json.dumps(config, separators=(",", ":"), ensure_ascii=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e") + "\n"


@pytest.mark.parametrize("trap", TRAPS)
def test_an_engine_without_a_hook_is_quick_too(bench: Bench, trap: str) -> None:
    """As dockerd writes it from version 28 on, with what a container is given in the way."""
    config = {
        "process": {"args": [trap, "x"], "env": ["A=" + trap, trap, "hooks", '"hooks":']},
        "annotations": {trap: trap},
        "linux": {"cgroupsPath": trap, "namespaces": [{"type": "mount"}, {"type": "network"}]},
    }
    (bench.bundle / "config.json").write_text(written_by_go(config))
    runtime.assign("abc", Note(NAMESPACE))
    (bench.script.parent / "enter.py").write_text("raise SystemExit('the quick way was not taken')")
    done = bench.create()
    assert done.returncode == 0, done.stderr
    found = json.loads((bench.bundle / "config.json").read_text())
    assert found["linux"]["namespaces"][1].pop("path") == str(NAMESPACE)
    assert found == config


def test_hooks_of_others_are_left_to_the_careful_way(bench: Bench) -> None:
    hooks = {"prestart": [OTHER_HOOK, NETWORK_HOOK]}
    config = {"hooks": hooks, "linux": {"namespaces": [{"type": "network"}]}}
    (bench.bundle / "config.json").write_text(written_by_go(config))
    runtime.assign("abc", Note(NAMESPACE))
    (bench.script.parent / "enter.py").write_text("raise SystemExit('the careful way was taken')")
    assert "the careful way was taken" in bench.create().stderr
    assert json.loads((bench.bundle / "config.json").read_text()) == config


@pytest.mark.parametrize("quick", [True, False])
@pytest.mark.parametrize("trap", TRAPS)
def test_what_a_container_is_given_does_not_lead_astray(bench: Bench, trap: str, *, quick: bool) -> None:
    """The quick way and the careful one give the same, whatever strings are in the configuration."""
    spaces = [{"type": "mount"}, {"type": "network"}, {"type": "ipc", "path": "/proc/1/ns/ipc"}]
    config = {
        "process": {"args": [trap, "x"], "env": ["A=" + trap, trap]},
        "hooks": AS_DOCKERD_WRITES if quick else {"prestart": [NETWORK_HOOK, NETWORK_HOOK]},
        "annotations": {trap: trap},
        "linux": {"cgroupsPath": trap, "namespaces": spaces},
    }
    (bench.bundle / "config.json").write_text(written_by_go(config))
    runtime.assign("abc", Note(NAMESPACE if quick else Path("/proc")))
    if quick:
        (bench.script.parent / "enter.py").write_text("raise SystemExit('the quick way was not taken')")
    done = bench.create()
    assert done.returncode == 0, done.stderr
    found = json.loads((bench.bundle / "config.json").read_text())
    assert found.pop("hooks") in ({}, {"prestart": []})
    assert found["linux"]["namespaces"][1].pop("path") == str(NAMESPACE if quick else "/proc")
    config.pop("hooks")
    assert found == config
    assert bench.said.read_text().splitlines()[-1] == "abc"


@pytest.mark.parametrize("name", ["with space", 'quo"te', "a#b", "a&b"])
def test_a_namespace_with_a_strange_name_is_left_to_the_careful_way(bench: Bench, name: str) -> None:
    config = {"hooks": AS_DOCKERD_WRITES, "linux": {"namespaces": [{"type": "network"}]}}
    (bench.bundle / "config.json").write_text(written_by_go(config))
    runtime.assign("abc", Note(Path("/run/netns", name)))
    assert bench.create().returncode == 1
    assert json.loads((bench.bundle / "config.json").read_text()) == config


def test_the_note_of_another_container_is_not_used(bench: Bench) -> None:
    bench.config()
    runtime.assign("abc", Note(Path("/proc")))
    assert bench.create("../x").returncode == 1
    assert bench.create("abd").returncode == 1


def test_other_calls_go_through_untouched(bench: Bench) -> None:
    assert bench.call("--root", "/x", "delete", "--force", "created").returncode == 0
    assert bench.said.read_text().splitlines() == ["--root", "/x", "delete", "--force", "created"]


def test_notes_are_roots_alone_and_forgotten(bench: Bench) -> None:
    kept = Note(Path("/run/netns/boxship-bbbb-sandbox-1"), id="1")
    runtime.assign("abc", Note(Path("/run/netns/boxship-aaaa-sandbox-1")))
    runtime.assign("abd", kept)
    assert bench.notes.stat().st_mode & 0o777 == 0o700
    runtime.forget("abc")
    runtime.forget("abc")
    assert runtime.forget_all("boxship-aaaa-") == {}
    assert runtime.forget_all("boxship-bbbb-") == {"abd": kept}
    assert list(bench.notes.iterdir()) == []


def test_the_files_follow_the_program(bench: Bench, tmp_path: Path) -> None:
    now = bench.script.read_text()
    bench.script.write_text("of an earlier version")
    runtime.renew(bench.script.parent)
    assert bench.script.read_text() == now
    runtime.renew(tmp_path / "elsewhere")
    assert not (tmp_path / "elsewhere").exists()


def test_the_files_are_roots_alone(bench: Bench) -> None:
    assert bench.script.parent.stat().st_mode & 0o777 == 0o700
    assert bench.script.stat().st_mode & 0o777 == 0o700
    assert (bench.script.parent / "enter.py").stat().st_mode & 0o777 == 0o600
    assert runtime.install(bench.script.parent) == bench.script
