"""What can be wrong with an installation, each with the sentence the operator reads."""

from __future__ import annotations

from pathlib import Path

from boxship.core import errors


class InUse(errors.Conflict):
    """Another program works on the state directory."""

    def __init__(self, state_dir: Path, pid: int | None) -> None:
        who = f"process {pid}" if pid else "another process"
        super().__init__(
            f"{state_dir} is in use by {who}. Stop it with 'boxship down --state-dir {state_dir}', "
            "or choose another --state-dir."
        )


class NewerState(errors.Conflict):
    """The state directory was written by a later version of the program."""

    def __init__(self, state_dir: Path, found: int, known: int) -> None:
        super().__init__(
            f"{state_dir} was written by a newer Boxship (state format {found}; this program knows {known}). "
            "Use that version of the program, or choose another --state-dir. Nothing was changed."
        )


class Unreadable(errors.Conflict):
    """A file of the state directory is not what it should be, or is not for this user."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} cannot be used: {reason}.")


class NotEmpty(errors.Conflict):
    """The directory holds things that Boxship did not put there."""

    def __init__(self, state_dir: Path, names: list[str]) -> None:
        shown = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
        super().__init__(
            f"{state_dir} is no state directory of Boxship and holds other files ({shown}). Choose a new or empty one."
        )


class OtherEngine(errors.Conflict):
    """Containers of this installation live in another engine."""

    def __init__(self, state_dir: Path, present: str, wanted: str) -> None:
        super().__init__(
            f"The cloud in {state_dir} runs on the engine '{present}' and cannot change to '{wanted}'. "
            "Choose another --state-dir for it."
        )


class NotInstalled(errors.NotFound):
    """There is no installation in the directory."""

    def __init__(self, state_dir: Path) -> None:
        super().__init__(f"There is no cloud in {state_dir}. Start one with 'boxship up', or name another --state-dir.")


class NotReady(errors.Unavailable):
    """The host lacks something that ``up`` needs; the sentence says what and how to mend it."""
