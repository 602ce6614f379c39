"""Who may do what with stacks: upstream's names. The project is the one in the path; whose stack it is, operations check."""

from __future__ import annotations

from boxship.core.auth.rules import Rule

_ADMIN = "role:admin"
_MEMBER = "role:admin or (role:member and project_id:%(project_id)s)"
_READER = "role:admin or (role:reader and project_id:%(project_id)s)"

RULES = [
    Rule("stacks:create", _MEMBER, "Create a stack."),
    Rule("stacks:preview", _READER, "Preview a stack."),
    Rule("stacks:index", _READER, "List stacks."),
    Rule("stacks:global_index", _ADMIN, "List the stacks of all projects."),
    Rule("stacks:detail", _READER, "List stacks with details."),
    Rule("stacks:show", _READER, "Show a stack."),
    Rule("stacks:lookup", _READER, "Find a stack by name or id."),
    Rule("stacks:template", _READER, "Show the template of a stack."),
    Rule("stacks:environment", _READER, "Show the environment of a stack."),
    Rule("stacks:files", _READER, "Show the files of a stack."),
    Rule("stacks:update", _MEMBER, "Replace the template of a stack."),
    Rule("stacks:update_patch", _MEMBER, "Change the parameters or template of a stack."),
    Rule("stacks:preview_update", _MEMBER, "Preview an update."),
    Rule("stacks:preview_update_patch", _MEMBER, "Preview a change of parameters."),
    Rule("stacks:delete", _MEMBER, "Delete a stack."),
    Rule("stacks:abandon", _MEMBER, "Forget a stack and leave what it made."),
    Rule("stacks:export", _MEMBER, "Show all that adopts a stack again."),
    Rule("stacks:snapshot", _MEMBER, "Take a snapshot of a stack."),
    Rule("stacks:show_snapshot", _READER, "Show a snapshot."),
    Rule("stacks:delete_snapshot", _MEMBER, "Delete a snapshot."),
    Rule("stacks:list_snapshots", _READER, "List snapshots."),
    Rule("stacks:restore_snapshot", _MEMBER, "Bring a stack back to a snapshot."),
    Rule("stacks:list_outputs", _READER, "List outputs."),
    Rule("stacks:show_output", _READER, "Show an output."),
    Rule("stacks:validate_template", _READER, "Check a template."),
    Rule("stacks:list_resource_types", _READER, "List the types of resources."),
    Rule("stacks:resource_schema", _READER, "Show a type of resources."),
    Rule("stacks:generate_template", _READER, "Make a template of a type of resources."),
    Rule("stacks:list_template_versions", _READER, "List the versions of templates."),
    Rule("stacks:list_template_functions", _READER, "List the functions of a version of templates."),
    Rule("actions:action", _MEMBER, "Suspend, resume, check or cancel; what is asked for has a rule of its own."),
    Rule("actions:suspend", _MEMBER, "Suspend a stack."),
    Rule("actions:resume", _MEMBER, "Resume a stack."),
    Rule("actions:check", _MEMBER, "Check a stack."),
    Rule("actions:cancel_update", _MEMBER, "Stop an update and go back."),
    Rule("actions:cancel_without_rollback", _MEMBER, "Stop an update where it is."),
    Rule("resource:index", _READER, "List the resources of a stack."),
    Rule("resource:show", _READER, "Show a resource."),
    Rule("resource:metadata", _READER, "Show the metadata of a resource."),
    Rule("resource:signal", _MEMBER, "Signal a resource."),
    Rule("resource:mark_unhealthy", _MEMBER, "Mark a resource as unhealthy, or as healthy again."),
    Rule("events:index", _READER, "List events."),
    Rule("events:show", _READER, "Show an event."),
    Rule("build_info:build_info", _READER, "Show which version runs."),
    Rule("service:index", _ADMIN, "List the engines."),
]
