"""The commands that start, stop and remove a cloud; the only ones that may load the program and the drivers, which they do
no sooner than they need them."""

from __future__ import annotations

import asyncio
import functools
import os
import sys
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import click

from boxship.cli import background, engine, steps
from boxship.cli.failure import Exit, Failure
from boxship.cli.options import state_dir_option
from boxship.config import Settings
from boxship.core import errors
from boxship.installation import choice, directory, files, host, lock, process, removal, secrets
from boxship.installation import errors as installation_errors
from boxship.installation import invitation as invitations


@click.command("up")
@click.option("--detach", is_flag=True, help="Start it in the background, and return when it answers.")
@state_dir_option
@click.option("--listen", metavar="HOST:PORT", help="Where the API listens.  [default: 127.0.0.1:9500]")
@click.option(
    "--database", metavar="URL", help="sqlite:///PATH or postgresql://...  [default: SQLite in the state directory]"
)
@click.option(
    "--engine",
    type=click.Choice(["docker", "fake", "none"]),
    help="fake: runs nothing, needs neither root nor Docker. none: only answers, for other hosts of the database.",
)
@click.option("--host", metavar="NAME", help="This host's name among others.  [default: as the kernel has it]")
@click.option("--tunnel-address", metavar="IP", help="Where other hosts send this one the traffic of tenants (VXLAN).")
@click.option(
    "--invitation",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Be a host of the cloud that made this file with `boxship invite`.",
)
@click.option("--quiet", is_flag=True, help="Log to the file in the state directory only.")
def up_command(*, detach: bool, quiet: bool, invitation: Path | None, **given: Any) -> None:
    """Start the cloud; in the foreground, until Ctrl-C, unless --detach is given.

    What it is told is remembered in the state directory: down, status, destroy and the next up need no options.
    Settings can also come from BOXSHIP_<NAME> in the environment (right for a --database URL with a password, as
    everybody sees command lines) and from boxship.yaml in the state directory.

    \b
    Examples:
      boxship up --detach
      boxship up --engine fake --state-dir /tmp/cloud --listen 127.0.0.1:9600
      boxship up --detach --invitation cloud.json --tunnel-address 192.0.2.7
    """
    invited = invitations.read(invitation) if invitation else None
    if invited:
        given = {**invited.settings, "database": invited.database} | {k: v for k, v in given.items() if v is not None}
    settings = choice.settings(given)
    prepare = functools.partial(_prepare, invited)
    if detach:
        background.start(settings, given, prepare)
        return
    prepare(settings, choice.told(given))
    _serve(settings, quiet=quiet)


def _prepare(invited: invitations.Invitation | None, settings: Settings, told: dict[str, str]) -> None:
    """What the program stands on: a host that can carry it, a state directory, an engine that answers.

    What is lacking is said before anything is written, and a directory that was made in vain is removed again.
    """
    found = lock.holder(settings.state_dir)
    if found is not None:
        raise installation_errors.InUse(settings.state_dir, found[0].pid)
    directory.check_usable(settings.state_dir)
    host.check_start(settings)
    new = directory.find(settings.state_dir) is None
    files.make_directory(settings.state_dir)
    with lock.held(settings.state_dir, "prepare"):
        settings.state_dir.chmod(0o700)
        try:
            directory.create_or_update(settings.state_dir, settings.engine, told)
            if invited:
                invitations.accept(invited, settings.state_dir)
            if engine.ready(settings):
                engine.renew(settings)
            else:
                engine.prepare(settings)
        except BaseException:
            if new:
                _undo(settings)
            raise


def _undo(settings: Settings) -> None:
    """Take back a first start that failed; the operator's own files stay."""
    if settings.engine == "docker":
        engine.leave(settings)
    removal.state(settings.state_dir, operators=False)


def _serve(settings: Settings, *, quiet: bool) -> None:
    """Be the program until SIGTERM or SIGINT."""
    from boxship.installation import logs

    os.umask(0o022)
    with lock.held(settings.state_dir, "up"):
        record = directory.existing(settings.state_dir)
        known = secrets.create(settings.state_dir)
        secrets.write_clouds(settings, known)
        logs.configure(settings.state_dir, console=not quiet)

        import structlog
        import uvloop

        from boxship import app

        def ready() -> None:
            if quiet:
                logs.take_output(settings.state_dir)
            else:
                steps.say(background.greeting(settings))

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            try:
                runner.run(app.serve(settings, record.mark, known, ready))
            except errors.BoxshipError as error:
                structlog.get_logger("boxship").error("cannot go on", reason=error.sentence, detail=error.detail)
                raise


@click.command("invite")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@state_dir_option
def invite_command(file: Path, state_dir: Path | None) -> None:
    """Write a FILE with which another host becomes part of this cloud: `boxship up --invitation FILE` there.

    The file holds the keys and passwords of the cloud. Carry it by a way that nobody listens to, and remove it afterwards.

    \b
    Example:
      boxship invite cloud.json && scp cloud.json root@192.0.2.7: && rm cloud.json
    """
    settings = choice.settings({"state_dir": state_dir})
    directory.existing(settings.state_dir)
    invitations.write(settings, file)
    click.echo(f"{file} is written. Whoever has it has the cloud: remove it once the other host is up.")


@click.command("down")
@state_dir_option
@click.option(
    "--timeout", type=click.IntRange(1, 3600), default=30, show_default=True, help="Seconds to wait for its end."
)
def down_command(state_dir: Path | None, timeout: int) -> None:
    """Stop the program. Containers, networks and volumes stay and go on working; the next up finds them again.

    \b
    Example:
      boxship down
    """
    settings = choice.settings({"state_dir": state_dir})
    if not _stopped(settings.state_dir, timeout):
        click.echo("The cloud is not running.")


def _stopped(state_dir: Path, timeout: int) -> bool:
    """Stop the program, if it runs; whether it did. Failure: it does not end."""
    running = lock.program(state_dir)
    if running is None:
        return False
    with steps.step("Stop the program") as step:
        if not process.stop(running, timeout):
            raise Failure(f"Process {running.pid} did not end within {timeout} s; see {state_dir}/logs/boxship.log.")
        step.note(f"process {running.pid} has ended")
    return True


@click.command("migrate")
@state_dir_option
@click.option("--database", metavar="URL", help="Another database than the cloud's.")
def migrate_command(**given: Any) -> None:
    """Bring the database to this version of the program. `up` does the same; this is for doing it before, with the program
    stopped.

    \b
    Example:
      boxship down && boxship migrate && boxship up --detach
    """
    settings = choice.settings(given)
    directory.existing(settings.state_dir)
    with lock.held(settings.state_dir, "migrate"):
        from boxship import migrations

        with steps.step("Migrate the database") as step:
            asyncio.run(migrations.upgrade(settings.database_url))
            step.note(f"version {migrations.HEAD}")


@click.command("destroy")
@state_dir_option
@click.option("--yes", is_flag=True, help="Do not ask.")
def destroy_command(state_dir: Path | None, *, yes: bool) -> None:
    """Remove everything that this cloud made on this host: containers, networks, volumes with their data, images that
    were uploaded to it, its files, and the Docker engine if `boxship up` started it. Nothing else is touched.

    \b
    Example:
      boxship destroy --yes
    """
    settings = choice.settings({"state_dir": state_dir})
    record = directory.find(settings.state_dir)
    if record is None:
        click.echo(f"There is no cloud in {settings.state_dir}; nothing to remove.")
        return
    if not yes:
        _ask(settings.state_dir)
    _stopped(settings.state_dir, 60)
    with lock.held(settings.state_dir, "destroy"):
        if record.engine == "docker":
            engine.revive(settings)
        asyncio.run(_remove(settings, record))
        if record.engine == "docker":
            engine.leave(settings)
        with steps.step("State directory") as step:
            left = removal.state(settings.state_dir)
            step.note(f"{settings.state_dir} is gone" if not left else f"left, as not ours: {', '.join(left)}")
    if settings.database:
        steps.say("The tables in the external database are still there; drop that database with its own tools.")


def _ask(state_dir: Path) -> None:
    if not sys.stdin.isatty():
        raise Failure("This removes the cloud with all its data; say --yes.", Exit.USAGE)
    click.confirm(f"Remove the cloud in {state_dir} with all containers, networks, volumes and their data?", abort=True)


async def _remove(settings: Settings, record: directory.Record) -> None:
    """Everything that the drivers made, in the order in which it depends on each other."""
    from boxship import app
    from boxship.drivers.engine import runtime

    drivers = app.plug(settings, record.mark)

    async def shown(name: str, work: Awaitable[None]) -> None:
        with steps.step(name):
            await work

    try:
        with steps.step("Containers") as step:
            step.note(f"{await removal.containers(drivers.engine)} removed")
            runtime.forget_all(f"boxship-{record.mark}-")
        kept = removal.Kept(drivers.storage, drivers.shares, drivers.exports)
        await removal.world(drivers.fabric, kept, shown)
        with steps.step("Images in the engine") as step:
            step.note(f"{await removal.images(drivers.engine)} removed")
    finally:
        await drivers.engine.close()
        await drivers.fabric.close()
