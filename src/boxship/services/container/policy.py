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
    Rule("container:logs", _READER, "Read what a container printed."),
    Rule("container:execute", _OWNER, "Run a command in a container."),
]
