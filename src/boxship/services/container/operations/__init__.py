"""What callers can ask of containers: each one transaction and one changed wish; nothing here touches the world."""

from boxship.services.container.operations.actions import (
    KIND,
    delete,
    kill,
    note_action,
    pause,
    reboot,
    rebuild,
    start,
    stop,
    unpause,
)
from boxship.services.container.operations.changes import (
    add_group,
    attach_network,
    detach_network,
    remove_group,
    rename,
    update,
)
from boxship.services.container.operations.commits import KIND as COMMIT
from boxship.services.container.operations.commits import commit
from boxship.services.container.operations.creation import CreateOptions, create, label, release
from boxship.services.container.operations.looking import action, actions, find, networks, show_all, view

__all__ = [
    "COMMIT",
    "KIND",
    "CreateOptions",
    "action",
    "actions",
    "add_group",
    "attach_network",
    "commit",
    "create",
    "delete",
    "detach_network",
    "find",
    "kill",
    "label",
    "networks",
    "note_action",
    "pause",
    "reboot",
    "rebuild",
    "release",
    "remove_group",
    "rename",
    "show_all",
    "start",
    "stop",
    "unpause",
    "update",
    "view",
]
