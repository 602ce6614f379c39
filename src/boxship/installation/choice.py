"""Which settings an installation runs with. To the order of ``config.load`` (command line, environment, boxship.yaml,
default) this adds what the last ``up`` was told: it counts after the environment and before boxship.yaml, so that
``down``, ``status``, ``destroy`` and the next ``up`` need no options."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from boxship import config
from boxship.installation import directory


def settings(given: Mapping[str, object]) -> config.Settings:
    """The settings for these options of the command line (None: not given).

    BadRequest: a setting is wrong. NewerState, Unreadable: the state directory cannot be used.
    """
    state_dir = Path(str(given.get("state_dir") or os.environ.get("BOXSHIP_STATE_DIR") or directory.default()))
    record = directory.find(state_dir)
    remembered = record.options if record else {}
    chosen = {name: value for name, value in remembered.items() if _variable(name) not in os.environ}
    explicit = {name: value for name, value in given.items() if value is not None}
    return config.load({**chosen, **explicit, "state_dir": state_dir})


def changes(state_dir: Path, wanted: Mapping[str, str]) -> list[str]:
    """The settings that would differ from those that the program was started with, if it were ``told`` these."""
    options = {**directory.existing(state_dir).options, "state_dir": state_dir}
    before, after = (config.load(given, environment={}) for given in (options, {**options, **wanted}))
    return [name for name in wanted if getattr(before, name) != getattr(after, name)]


def told(given: Mapping[str, object]) -> dict[str, str]:
    """What the command line and the environment say, for the next time."""
    names = [field.name for field in msgspec.structs.fields(config.Settings) if field.name != "state_dir"]
    found = {name: os.environ[_variable(name)] for name in names if _variable(name) in os.environ}
    return {**found, **{name: str(given[name]) for name in names if given.get(name) is not None}}


def environment(state_dir: Path, given: Mapping[str, object]) -> dict[str, str]:
    """The environment that tells another process the same: the command line of a process is everybody's to read."""
    variables = {_variable(name): value for name, value in told(given).items()}
    return {**os.environ, **variables, _variable("state_dir"): str(state_dir)}


def _variable(name: str) -> str:
    return f"BOXSHIP_{name.upper()}"
