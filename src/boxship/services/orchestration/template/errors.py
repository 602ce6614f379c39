"""What can be wrong with a template or an environment. The sentence names the place."""

from __future__ import annotations

from boxship.core import errors


class Invalid(errors.BadRequest):
    """The document is not valid; ``path`` is the place in it, such as ``resources.web.properties.image``."""

    def __init__(self, sentence: str, *, path: str = "") -> None:
        super().__init__(sentence, field=path)


class StackValidationFailed(errors.BadRequest):
    """The template can be read, and what it says does not hold: a property, a type, a dependency."""


class UserParameterMissing(errors.BadRequest):
    """A parameter without a default was not given."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The Parameter ({name}) was not provided.")
