"""``python -m boxship`` and the ``boxship`` command."""

from __future__ import annotations


def main() -> None:
    """Run the command line, and end the process with its exit code."""
    from boxship.cli import main as cli

    cli.run()


if __name__ == "__main__":
    main()
