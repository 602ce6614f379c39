"""Who may do what with containers; Zun's rule names and defaults, but that ``privileged`` is for admin, not for nobody."""

from __future__ import annotations

from boxship.core.auth.rules import Rule

_OWNER = "rule:container:member"
_READER = "rule:container:reader"
_ADMIN = "role:admin"

RULES = [
    Rule("container:member", "role:admin or (project_id:%(project_id)s and role:member)", "Changes one's own project."),
    Rule("container:reader", "role:admin or (project_id:%(project_id)s and role:reader)", "Sees one's own project."),
    Rule("container:create", _OWNER, "Create a container, and run it."),
    Rule("container:create:privileged", _ADMIN, "Give a container all capabilities of the host."),
    Rule("container:create:runtime", _ADMIN, "Choose the OCI runtime."),
    Rule("container:create:image_pull_policy", _ADMIN, "Say when an image is pulled."),
    Rule("container:create:requested_destination", _ADMIN, "Choose the host."),
    Rule("container:get_all", _READER, "List containers."),
    Rule("container:get_all_all_projects", _ADMIN, "List the containers of all projects."),
    Rule("container:get_one", _READER, "Show a container."),
    Rule("container:get_one:host", _ADMIN, "See the host of a container."),
    Rule("container:get_one:image_pull_policy", _ADMIN, "See when the image is pulled."),
    Rule("container:get_one:privileged", _ADMIN, "See whether a container is privileged."),
    Rule("container:get_one:runtime", _ADMIN, "See the OCI runtime of a container."),
    Rule("container:get_one_all_projects", _ADMIN, "Show a container of any project."),
    Rule("container:delete", _OWNER, "Delete a container."),
    Rule("container:delete_all_projects", _ADMIN, "Delete a container of any project."),
    Rule("container:delete_force", _ADMIN, "Delete a container in any state."),
    Rule("container:start", _OWNER, "Start a container."),
    Rule("container:stop", _OWNER, "Stop a container."),
    Rule("container:reboot", _OWNER, "Restart a container."),
    Rule("container:pause", _OWNER, "Freeze a container."),
    Rule("container:unpause", _OWNER, "Let a frozen container go on."),
    Rule("container:kill", _OWNER, "Send a signal to a container."),
    Rule("container:rebuild", _OWNER, "Make a container anew, with the same ports and volumes."),
    Rule("container:update", _OWNER, "Change name, limits and auto_heal of a container."),
    Rule("container:rename", _OWNER, "Rename a container (up to 1.13)."),
    Rule("container:resize_container", _OWNER, "Change the limits of a container."),
    Rule("container:network_attach", _OWNER, "Connect a container to a network."),
    Rule("container:network_detach", _OWNER, "Disconnect a container from a network."),
    Rule("container:network_list", _READER, "List the networks of a container."),
    Rule("container:add_security_group", _OWNER, "Put a container into a security group (up to 1.14)."),
    Rule("container:remove_security_group", _OWNER, "Take a container out of a security group (up to 1.14)."),
    Rule("container:actions", _READER, "See what was asked of a container."),
    Rule("container:action:events", _ADMIN, "See why a step of an action failed."),
    Rule("container:logs", _READER, "Read what a container printed."),
    Rule("container:commit", _OWNER, "Make an image of a container."),
    Rule("container:stats", _READER, "See what a container uses."),
    Rule("container:top", _READER, "See the processes of a container."),
    Rule("container:get_archive", _OWNER, "Read files of a container."),
    Rule("container:put_archive", _OWNER, "Put files into a container."),
    Rule("container:execute", _OWNER, "Run a command in a container."),
    Rule("container:execute_resize", _OWNER, "Say how large the terminal of a command is."),
    Rule("container:attach", _OWNER, "Join the first process of a container."),
    Rule("container:resize", _OWNER, "Say how large the terminal of a container is."),
]
