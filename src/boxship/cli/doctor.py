"""``boxship doctor``: what this host lacks, and the command that mends it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from boxship.cli.failure import Exit
from boxship.cli.options import state_dir_option
from boxship.installation import choice, host, lock


@click.command("doctor")
@state_dir_option
@click.option("--engine", type=click.Choice(["docker", "fake"]), help="The engine that the cloud is to run on.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def doctor_command(state_dir: Path | None, engine: str | None, *, as_json: bool) -> int:
    """Check whether this host can carry a cloud. Kernel features are tried out; nothing is changed.

    Ends with 1 when something is lacking.

    \b
    Example:
      boxship doctor
    """
    settings = choice.settings({"state_dir": state_dir, "engine": engine})
    found = []
    for finding in host.check(settings, running=lock.program(settings.state_dir) is not None):
        found.append(finding)
        if not as_json:
            _show(finding)
    lacking = [finding for finding in found if not finding.ok]
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in found], indent=2))
    else:
        click.echo(f"\n{len(lacking)} of {len(found)} need attention." if lacking else "\nThis host can carry a cloud.")
    return Exit.FAILURE if lacking else Exit.OK


def _show(finding: host.Finding) -> None:
    sign = click.style("ok  ", fg="green") if finding.ok else click.style("LACK", fg="red", bold=True)
    click.echo(f"{sign}  {finding.name:<30} {finding.detail}")
    if finding.remedy:
        click.echo(f"      {'':<30} mend it: {finding.remedy}")
