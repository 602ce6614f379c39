"""Where settings come from, which place wins, and what is said of a wrong one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from boxship import config
from boxship.core import errors


def load(
    directory: Path, file: str = "", environment: dict[str, str] | None = None, **given: object
) -> config.Settings:
    """The settings of an installation in this directory."""
    if file:
        (directory / "boxship.yaml").write_text(file)
    return config.load({"state_dir": directory, **given}, environment or {})


def test_defaults(tmp_path: Path) -> None:
    settings = load(tmp_path)
    assert settings == config.Settings(state_dir=tmp_path)
    assert settings.database_url == f"sqlite:///{tmp_path}/boxship.db"
    assert settings.url == "http://127.0.0.1:9500"
    assert settings.address == ("127.0.0.1", 9500)


def test_the_command_line_wins_over_the_environment_over_the_file(tmp_path: Path) -> None:
    file = "region: File\nworkers: 1\nquota_ports: 7\n"
    environment = {"BOXSHIP_REGION": "Environment", "BOXSHIP_WORKERS": "2", "OTHER_REGION": "x"}
    settings = load(tmp_path, file, environment, region="Command", workers=None)
    assert (settings.region, settings.workers, settings.quota_ports) == ("Command", 2, 7)


def test_the_state_directory_comes_from_the_environment_and_is_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "boxship.yaml").write_text("region: There\n")
    monkeypatch.chdir(tmp_path)
    settings = config.load({}, {"BOXSHIP_STATE_DIR": "state"})
    assert (settings.state_dir, settings.region) == (tmp_path / "state", "There")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("workers", "many"),
        ("workers", "0"),
        ("token_lifetime", "-1"),
        ("token_lifetime", "nan"),
        ("quota_ports", "-2"),
        ("max_body", "1.5"),
        ("websocket_url", "https://cloud.example/"),
        ("websocket_url", "wss://"),
        ("websocket_url", "wss://cloud.example/?token=x"),
        ("tls_ca", "ca.pem"),
        ("tls_key", "/key.pem"),
    ],
)
def test_a_wrong_value_is_refused_by_name(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(errors.BadRequest, match=name):
        load(tmp_path, environment={f"BOXSHIP_{name.upper()}": value})


@pytest.mark.parametrize("file", ["- a\n- b\n", "words\n", "a: [\n", "regoin: x\n", "workers: {}\n"])
def test_a_wrong_file_is_refused(tmp_path: Path, file: str) -> None:
    with pytest.raises(errors.BadRequest):
        load(tmp_path, file)


def test_an_empty_file_is_none(tmp_path: Path) -> None:
    assert load(tmp_path, "# nothing\n") == load(tmp_path)


@pytest.mark.parametrize(
    ("listen", "expected"),
    [("0.0.0.0:80", ("0.0.0.0", 80)), ("[::1]:9500", ("::1", 9500)), ("box:1", ("box", 1))],  # noqa: S104
)
def test_addresses(listen: str, expected: tuple[str, int]) -> None:
    assert config.Settings(listen=listen).address == expected


@pytest.mark.parametrize(
    "listen", ["", "9500", ":9500", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "a:0", "a:65536", "a:-1"]
)
def test_wrong_addresses(listen: str) -> None:
    with pytest.raises(errors.BadRequest, match="listen"):
        assert config.Settings(listen=listen).address


def test_a_public_url_loses_its_slash() -> None:
    assert config.Settings(public_url="https://cloud.example/").url == "https://cloud.example"


BACKENDS = [
    {"name": "file", "kind": "file"},
    {"name": "disk", "kind": "file", "directory": "/srv/two"},
    {"name": "nfs", "kind": "nfs", "share": "filer:/volumes", "options": "vers=4.2"},
    {"name": "thin", "kind": "lvm", "group": "vg0", "pool": "thin"},
]


def test_backends_of_volumes_are_the_same_in_the_file_and_in_the_environment(tmp_path: Path) -> None:
    written = json.dumps(BACKENDS)
    by_file = load(tmp_path, f"volume_backends: {written}").backends
    (tmp_path / "boxship.yaml").unlink()
    assert by_file == load(tmp_path, environment={"BOXSHIP_VOLUME_BACKENDS": written}).backends
    assert [(each.name, each.shared) for each in by_file] == [
        *(("file", False), ("disk", False), ("nfs", True), ("thin", False))
    ]


def test_who_names_no_backend_has_one_of_files(tmp_path: Path) -> None:
    assert [(each.name, each.kind, each.directory) for each in load(tmp_path).backends] == [("file", "file", "")]


@pytest.mark.parametrize(
    ("backends", "reason"),
    [
        ([{"name": "a b", "kind": "file"}], "regex"),
        ([{"name": "a", "kind": "tape"}], "tape"),
        ([{"name": "a", "kind": "file", "speed": "2"}], "speed"),
        ([{"name": "a", "kind": "file", "directory": "srv"}], "not an absolute path"),
        ([{"name": "a", "kind": "file", "share": "h:/p"}], "has no share"),
        ([{"name": "a", "kind": "nfs"}], "needs directory or share"),
        ([{"name": "a", "kind": "nfs", "directory": "/a", "share": "h:/p"}], "needs directory or share"),
        ([{"name": "a", "kind": "nfs", "share": "-o exec"}], "not HOST:/PATH"),
        ([{"name": "a", "kind": "nfs", "share": "-oexec:/"}], "not HOST:/PATH"),
        ([{"name": "a", "kind": "nfs", "share": "h:/p", "options": "a b"}], "regex"),
        ([{"name": "a", "kind": "lvm", "group": "vg0"}], "needs group and pool"),
        ([{"name": "a", "kind": "lvm", "group": "-vg0", "pool": "p"}], "regex"),
        ([{"name": "a", "kind": "file"}, {"name": "b", "kind": "file"}], "place of 'b'"),
        ([{"name": "a", "kind": "file"}, {"name": "a", "kind": "file", "directory": "/b"}], "place of 'a'"),
        ("nfs", "not a list in JSON"),
    ],
)
def test_a_wrong_backend_is_named_with_the_reason(tmp_path: Path, backends: object, reason: str) -> None:
    text = backends if isinstance(backends, str) else json.dumps(backends)
    with pytest.raises(errors.BadRequest, match=reason):
        load(tmp_path, environment={"BOXSHIP_VOLUME_BACKENDS": text})
