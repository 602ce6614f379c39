"""The list of commands, how they are loaded, and how what goes wrong becomes a sentence and an exit code."""

from __future__ import annotations

import importlib
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from boxship.cli import failure
from boxship.core import errors

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


@dataclass(frozen=True, slots=True)
class Entry:
    """A command: the module that holds a function of the same name, the section and the line in ``--help``."""

    module: str
    section: str
    line: str


COMMANDS = {
    "up": Entry("lifecycle", "The cloud", "Start the cloud."),
    "invite": Entry("lifecycle", "The cloud", "Write a file with which another host becomes part of the cloud."),
    "down": Entry("lifecycle", "The cloud", "Stop the program; containers, networks and volumes stay."),
    "status": Entry("status", "The cloud", "What runs, where, and how much of it."),
    "demo": Entry("demo", "The cloud", "Make a network, a volume and a container that serves a page; fetch it."),
    "env": Entry("env", "The cloud", "Print the variables that OpenStack clients need."),
    "doctor": Entry("doctor", "The cloud", "Check this host, and say how to mend what it lacks."),
    "migrate": Entry("lifecycle", "The cloud", "Bring the database to this version of the program."),
    "engine": Entry("engine", "The cloud", "Make the Docker engine ready for Boxship, or undo that."),
    "destroy": Entry("lifecycle", "The cloud", "Remove everything that this cloud made on the host."),
    "kuryr": Entry("kuryr", "The cloud", "Give the containers of Docker on this host networks of a cloud."),
    "fuxi": Entry("fuxi", "The cloud", "Give the containers of Docker on this host volumes of a cloud."),
    "completion": Entry("completion", "The cloud", "Print what makes the shell complete commands and names."),
    "run": Entry("run", "Containers", "Run a container."),
    "ps": Entry("containers", "Containers", "List the containers."),
    "inspect": Entry("containers", "Containers", "Print all about containers."),
    "logs": Entry("logs", "Containers", "Print what containers wrote, and go on."),
    "exec": Entry("sessions", "Containers", "Run a command in a container, with a terminal if you like."),
    "attach": Entry("sessions", "Containers", "Join the terminal of a container."),
    "stats": Entry("stats", "Containers", "What containers use of CPU, memory, network and disks."),
    "top": Entry("stats", "Containers", "The processes of containers."),
    "cp": Entry("archives", "Containers", "Copy files into a container or out of one."),
    "start": Entry("actions", "Containers", "Start containers."),
    "stop": Entry("actions", "Containers", "Stop containers."),
    "restart": Entry("actions", "Containers", "Stop containers and start them again."),
    "pause": Entry("actions", "Containers", "Freeze containers."),
    "unpause": Entry("actions", "Containers", "Let frozen containers go on."),
    "kill": Entry("actions", "Containers", "Send a signal to containers."),
    "wait": Entry("actions", "Containers", "Wait until containers have ended."),
    "rename": Entry("actions", "Containers", "Give a container another name."),
    "update": Entry("actions", "Containers", "Change the limits of containers."),
    "rebuild": Entry("actions", "Containers", "Make containers anew from an image."),
    "commit": Entry("actions", "Containers", "Make an image of a container."),
    "rm": Entry("containers", "Containers", "Remove containers."),
    "images": Entry("images", "Containers", "List images."),
    "pull": Entry("images", "Containers", "Fetch images to a host."),
    "registry": Entry("registries", "Containers", "Private registries that images are fetched from."),
    "network": Entry("networks", "Containers", "Put containers on networks."),
    "capsule": Entry("capsules", "Containers", "Groups of containers that share an address."),
    "stack": Entry("stack", "Stacks", "What an update of a stack would do, and what needs what in it."),
    "compose": Entry("compose.commands", "Stacks", "An application from a Compose file, as a stack."),
}


class Commands(click.Group):
    """The top of the command line; knows the commands' lines without loading them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's signature)
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002 (click's signature)
        entry = COMMANDS.get(name)
        if entry is None:
            return None
        module = importlib.import_module(f"boxship.cli.{entry.module}")
        command = getattr(module, f"{name}_command")
        assert isinstance(command, click.Command)
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """As click's, from the lines: no command is loaded for the sake of its name."""
        from click.shell_completion import CompletionItem

        found = [
            CompletionItem(name, help=entry.line) for name, entry in COMMANDS.items() if name.startswith(incomplete)
        ]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 (click's signature)
        for section in dict.fromkeys(entry.section for entry in COMMANDS.values()):
            with formatter.section(section):
                formatter.write_dl([(name, entry.line) for name, entry in COMMANDS.items() if entry.section == section])


@click.group(
    cls=Commands, name="boxship", epilog=failure.EPILOG, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(package_name="boxship", message="%(prog)s %(version)s")
def boxship() -> None:
    """A container cloud that speaks OpenStack, in one program.

    \b
    Example:
      boxship up --detach
      boxship run --name web --publish 80 busybox -- httpd -f -p 80
    """


def run() -> None:
    """Run the command that the process was started with; ends the process."""
    try:
        # An unset colour means: on terminals. NO_COLOR is a convention of many programs (no-color.org).
        code = boxship.main(standalone_mode=False, color=False if os.environ.get("NO_COLOR") else None)
        sys.exit(code if isinstance(code, int) else failure.Exit.OK)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        click.echo("\nboxship: interrupted", err=True)
        sys.exit(failure.Exit.INTERRUPTED)
    except (errors.BoxshipError, OSError) as error:
        sentence = failure.sentence(error)
        if sentence is None:
            raise
        _complain(sentence)
        sys.exit(failure.code(error))


def _complain(sentence: str) -> None:
    if sentence:
        click.echo(f"boxship: {failure.printable(sentence)}", err=True)
        return
    # Whoever read our output has seen enough; Python must not complain when it flushes at the end.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
