"""Where settings come from, which place wins, and what is said of a wrong one."""

from __future__ import annotations

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
