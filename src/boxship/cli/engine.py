"""The Docker engine as ``up`` needs it and ``destroy`` leaves it, and the commands that do the same by hand. Loads the driver's
``setup`` only when there is something to do. An engine that was there before keeps all its own configuration."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import click

from boxship.cli import steps
from boxship.cli.options import state_dir_option
from boxship.config import Settings
from boxship.installation import choice, directory, host

_OPTIONS = ("--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false")
"""For an engine that we start: containers get their networks from us, so it leaves those of the host alone."""
_BRIDGE = Path("/sys/class/net/docker0")


def options() -> tuple[str, ...]:
    """What dockerd is told. It makes no bridge; where one is left of another engine it must not be told so, as then it
    would remove that (moby, daemon_unix.go, removeDefaultBridgeInterface)."""
    return _OPTIONS if _BRIDGE.exists() else (*_OPTIONS, "--bridge=none")


def place(settings: Settings) -> Path:
    """The engine's part of the state directory."""
    return settings.state_dir / "engine"


def ready(settings: Settings) -> bool:
    """Whether an engine answers and knows our runtime; the fake one always does."""
    return settings.engine != "docker" or host.knows_runtime(settings.engine_socket) is True


def prepare(settings: Settings) -> None:
    """Start an engine where none answers; tell one that is there already about our runtime.

    Refused: neither can be done, with the reason.
    """
    from boxship.drivers.engine import setup

    if host.knows_runtime(settings.engine_socket) is None:
        with steps.step("Start the Docker engine") as step:
            asyncio.run(setup.start(settings.engine_socket, place(settings), options()))
            step.note(f"process {setup.started(place(settings))}")
    if not ready(settings):
        register(settings)


def renew(settings: Settings) -> None:
    """What an engine that is ready since an earlier version of the program has of ours, as this version needs it."""
    from boxship.drivers.engine import runtime

    runtime.renew(place(settings))


def revive(settings: Settings) -> None:
    """Start the engine again that we started before, if it is gone (a reboot): ``destroy`` has to take things out of it."""
    if (place(settings) / "dockerd.log").exists() and host.knows_runtime(settings.engine_socket) is None:
        prepare(settings)


def register(settings: Settings) -> None:
    """Add our runtime to the configuration of an engine that is not ours."""
    from boxship.drivers.engine import setup

    with steps.step("Register the runtime") as step:
        asyncio.run(setup.register(settings.engine_socket, place(settings)))
        step.note(f"one key in {setup.CONFIGURATION}")


def unregister(settings: Settings) -> None:
    """Undo ``register``, if the runtime that is registered is this installation's."""
    from boxship.drivers.engine import setup

    if _registered(setup.CONFIGURATION) == place(settings):
        with steps.step("Unregister the runtime"):
            setup.unregister()


def leave(settings: Settings) -> None:
    """Undo ``prepare``: stop the engine if we started it, take our key out of the other's configuration."""
    from boxship.drivers.engine import runtime, setup

    pid = setup.started(place(settings))
    if pid is not None:
        with steps.step("Stop the Docker engine") as step:
            asyncio.run(setup.stop(place(settings)))
            step.note(f"process {pid}, which 'boxship up' had started")
    unregister(settings)
    for empty in (runtime.SANDBOXES, runtime.SANDBOXES.parent):
        if empty.is_dir() and not any(empty.iterdir()):
            empty.rmdir()


def _registered(configuration: Path) -> Path | None:
    """The directory of the runtime named boxship in daemon.json."""
    try:
        return Path(json.loads(configuration.read_text())["runtimes"][host.RUNTIME]["path"]).parent
    except (OSError, ValueError, KeyError, TypeError):
        return None


@click.group("engine")
def engine_command() -> None:
    """Make the Docker engine ready for Boxship, or undo that. `up` and `destroy` do the same by themselves."""


@engine_command.command("register")
@state_dir_option
def register_command(state_dir: Path | None) -> None:
    """Add the runtime 'boxship' to Docker's daemon.json and let the engine read it again.

    \b
    Example:
      boxship engine register
    """
    settings = choice.settings({"state_dir": state_dir})
    directory.existing(settings.state_dir)
    register(settings)


@engine_command.command("unregister")
@state_dir_option
def unregister_command(state_dir: Path | None) -> None:
    """Take the runtime out of Docker's daemon.json again. Containers that run go on; none can be started.

    \b
    Example:
      boxship engine unregister
    """
    settings = choice.settings({"state_dir": state_dir})
    directory.existing(settings.state_dir)
    unregister(settings)
