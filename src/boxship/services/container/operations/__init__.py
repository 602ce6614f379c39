"""What callers can ask of containers: each one transaction and one changed wish; nothing here touches the world."""

from boxship.services.container.operations.actions import delete, find, reboot, show_all, start, stop, view
from boxship.services.container.operations.creation import KIND, CreateOptions, create, label, release

__all__ = [
    "KIND",
    "CreateOptions",
    "create",
    "delete",
    "find",
    "label",
    "reboot",
    "release",
    "show_all",
    "start",
    "stop",
    "view",
]
