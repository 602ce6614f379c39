"""What can go wrong with images, each with the sentence the user reads; names as Glance's."""

from __future__ import annotations

from boxship.core import errors


class ImageNotFound(errors.NotFound):
    """No such image, or not for the caller."""

    def __init__(self, image: str) -> None:
        super().__init__(f"No image found with ID {image}")


class MemberNotFound(errors.NotFound):
    """The image is not shared with that project, as far as the caller may know."""

    def __init__(self, image: str, member: str) -> None:
        super().__init__(f"{member} not found in the member list of the image {image}.")


class TagNotFound(errors.NotFound):
    """The image has no such tag."""

    def __init__(self, tag: str) -> None:
        super().__init__(f"The tag {tag!r} could not be found on the image.")


class SeveralImages(errors.Conflict):
    """A name that is not unique."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Several images are named {name!r}; use the id.")


class ImageExists(errors.Conflict):
    """The id is taken."""

    def __init__(self, image: str) -> None:
        super().__init__(f"Image ID {image} already exists!")


class ImageProtected(errors.Forbidden):
    """Protected images are not deleted."""

    def __init__(self, image: str) -> None:
        super().__init__(f"Image {image} is protected and cannot be deleted.")


class ReadOnlyAttribute(errors.Forbidden):
    """The service itself writes this."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Attribute '{name}' is read-only.")


class ReservedAttribute(errors.Forbidden):
    """The name is the service's own."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Attribute '{name}' is reserved.")


class NotRemovable(errors.Forbidden):
    """Every image has this."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Property {name} may not be removed.")


class OnlyQueued(errors.Forbidden):
    """Formats are fixed once there are bytes."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Attribute '{name}' can be replaced only for a queued image.")


class NotTheOwner(errors.Forbidden):
    """Seen, but another project's."""

    def __init__(self) -> None:
        super().__init__("You are not permitted to modify this image.")


class PropertyMissing(errors.Conflict):
    """A patch replaces or removes what is not there."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Property {name} does not exist.")


class NotUploadable(errors.Conflict):
    """The image has bytes, or gets them at this moment."""

    def __init__(self, image: str, status: str) -> None:
        super().__init__(f"Image {image} cannot take data while its status is {status}; only a queued image can.")


class FormatsMissing(errors.BadRequest):
    """Bytes without a format."""

    def __init__(self) -> None:
        super().__init__("Properties disk_format, container_format must be set prior to saving data.")


class ImageDeactivated(errors.Forbidden):
    """Only admins fetch it."""

    def __init__(self) -> None:
        super().__init__("The requested image has been deactivated. Image data download is forbidden.")


class WrongStatus(errors.Forbidden):
    """Only an active image can be deactivated, and the other way round."""

    def __init__(self, status: str, wanted: str) -> None:
        super().__init__(f"Not allowed to change the image from status {status} to {wanted}.")


class ImageTooLarge(errors.TooLarge):
    """More bytes than the operator allows, or than the disk has room for."""


class ImageGone(errors.NotFound):
    """Deleted while its bytes were coming."""

    def __init__(self, image: str) -> None:
        super().__init__(f"Image {image} was deleted during the upload; what had come was thrown away.")


class TooManyImages(errors.OverQuota):
    """The project has as many images as it may."""

    def __init__(self, allowed: int) -> None:
        super().__init__(f"The project has reached its quota of {allowed} images.")


class TooMany(errors.TooLarge):
    """More properties, tags or members than an image may have."""

    def __init__(self, what: str, most: int) -> None:
        super().__init__(f"The limit of {what} on an image has been exceeded; at most {most} are allowed.")


class NotShareable(errors.Forbidden):
    """Members are for shared images."""

    def __init__(self) -> None:
        super().__init__("Only shared images have members.")


class MemberExists(errors.Conflict):
    """The project is a member already."""

    def __init__(self, image: str, member: str) -> None:
        super().__init__(f"Project {member} is a member of image {image} already.")


class ForeignOwner(errors.Forbidden):
    """Only admins give images to other projects."""

    def __init__(self, owner: str) -> None:
        super().__init__(f"You are not permitted to create images owned by '{owner}'.")
