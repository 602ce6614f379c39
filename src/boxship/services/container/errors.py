"""What can go wrong with containers, in the words of the user."""

from __future__ import annotations

from boxship.core import errors


class ContainerNotFound(errors.NotFound):
    def __init__(self, name: str) -> None:
        super().__init__(f"Container {name} could not be found.")


class ImageNotFound(errors.BadRequest):
    def __init__(self, name: str) -> None:
        super().__init__(f"No active image {name!r} with container format docker is visible to you.", field="image")


class VolumeNotFound(errors.BadRequest):
    def __init__(self, name: str, field: str = "mounts.source") -> None:
        super().__init__(f"No volume {name!r} is visible to you.", field=field)


class ShareNotFound(errors.BadRequest):
    def __init__(self, name: str) -> None:
        super().__init__(f"No share {name!r} is visible to you.", field="mounts.source")


class NameNotUnique(errors.Conflict):
    def __init__(self, name: str) -> None:
        super().__init__(f"Several containers have the name {name}; use the UUID.")


class InvalidState(errors.Conflict):
    """Zun's name; the states in which an action is legal are data (``states.LEGAL``)."""

    def __init__(self, id: str, action: str, state: str) -> None:
        super().__init__(f"Cannot {action} container {id} in {state} state.")


class InvalidParamInVersion(errors.BadRequest):
    def __init__(self, field: str, version: str, since: str) -> None:
        super().__init__(f"{field} is known from version {since} on, and this request is of {version}", field=field)


class QuotaExceeded(errors.OverQuota):
    def __init__(self, resource: str, limit: int) -> None:
        super().__init__(f"Quota exceeded for {resource}: the limit of the project is {limit}.")


class ActionNotFound(errors.NotFound):
    def __init__(self, request_id: str) -> None:
        super().__init__(f"Action {request_id} could not be found.")


class GroupThere(errors.BadRequest):
    def __init__(self, name: str) -> None:
        super().__init__(f"Security group {name} has been added to the container already", field="name")


class GroupNotThere(errors.BadRequest):
    def __init__(self, name: str) -> None:
        super().__init__(f"Security group {name} was not added to the container", field="name")


class TooManySessions(errors.Conflict):
    def __init__(self, id: str, most: int) -> None:
        super().__init__(f"{most} sessions with container {id} wait to be opened; open one, or wait until they expire.")


class TooManyOpen(errors.Forbidden):
    def __init__(self, most: int) -> None:
        super().__init__(f"You have {most} sessions open, which is the limit; close one.")


class SessionClosed(errors.Forbidden):
    """Zun's InvalidWebsocketToken."""

    def __init__(self) -> None:
        super().__init__("The token opens no session (any more); ask for another one.")


class NotInteractive(errors.BadRequest):
    """Zun's NoInteractiveFlag."""

    def __init__(self, id: str) -> None:
        super().__init__(
            f"Container {id} was made without interactive, so nothing can be attached", field="interactive"
        )


class NoValidHost(errors.Conflict):
    """Zun answers 202 and shows this sentence as the reason of an Error; who asks learns it at once here."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"No valid host was found. There are not enough hosts available: {reason}")


class ComputeNodeNotFound(errors.NotFound):
    def __init__(self, name: str) -> None:
        super().__init__(f"Compute node {name} could not be found.")


class ZunServiceNotFound(errors.NotFound):
    def __init__(self, host: str, binary: str) -> None:
        super().__init__(f"Zun service {binary} on host {host} could not be found.")


class RegistryNotFound(errors.NotFound):
    def __init__(self, name: str) -> None:
        super().__init__(f"Registry {name} could not be found.")


class RegistryAlreadyExists(errors.Conflict):
    def __init__(self, name: str) -> None:
        super().__init__(f"A registry with name {name} already exists.")


class RegistryInUse(errors.Conflict):
    """Upstream's text, as a plain Conflict."""

    def __init__(self, id: str) -> None:
        super().__init__(f"Failed to delete registry {id} since it is in use.")


class CapsuleNotFound(errors.NotFound):
    def __init__(self, name: str) -> None:
        super().__init__(f"Capsule {name} could not be found.")


class HostImageNotFound(errors.NotFound):
    """Zun's ImageNotFound for the images of hosts."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Image {name} could not be found.")


class ImageAlreadyExists(errors.Conflict):
    def __init__(self, repo: str, tag: str) -> None:
        super().__init__(f"An image with tag {tag} and repo {repo} already exists.")
