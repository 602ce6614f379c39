"""Who may do what with volumes: upstream's names. The project is the one in the path; whose volume it is, operations
check."""

from __future__ import annotations

from boxship.core.auth.rules import Rule

_ADMIN = "role:admin"
_MEMBER = "role:admin or (role:member and project_id:%(project_id)s)"
_READER = "role:admin or (role:reader and project_id:%(project_id)s)"

RULES = [
    Rule("volume:create", _MEMBER, "Create a volume."),
    Rule("volume:get", _READER, "Show a volume."),
    Rule("volume:get_all", _READER, "List volumes."),
    Rule("volume:update", _MEMBER, "Rename a volume."),
    Rule("volume:delete", _MEMBER, "Delete a volume."),
    Rule("volume:force_delete", _ADMIN, "Delete a volume by force."),
    Rule("volume:get_volume_metadata", _READER, "Show the metadata of a volume."),
    Rule("volume:create_volume_metadata", _MEMBER, "Add to the metadata of a volume."),
    Rule("volume:update_volume_metadata", _MEMBER, "Replace the metadata of a volume."),
    Rule("volume:delete_volume_metadata", _MEMBER, "Remove from the metadata of a volume."),
    Rule("volume:attachment_get", _READER, "Show attachments."),
    Rule("volume_extension:volume_actions", _MEMBER, "Ask for an action; each has a rule of its own besides."),
    Rule("volume_extension:volume_admin_actions:reset_status", _ADMIN, "Reset the status of a volume."),
    Rule("volume_extension:volume_admin_actions:force_delete", _ADMIN, "Delete a volume by force, as an action."),
    Rule("volume_extension:volume_host_attribute", _ADMIN, "See on which host a volume is."),
    Rule("volume_extension:volume_mig_status_attribute", _ADMIN, "See the migration of a volume."),
    Rule("volume_extension:type_get", _READER, "Show a volume type."),
    Rule("volume_extension:type_get_all", _READER, "List volume types."),
    Rule("volume_extension:type_create", _ADMIN, "Create a volume type."),
    Rule("volume_extension:type_update", _ADMIN, "Change a volume type."),
    Rule("volume_extension:type_delete", _ADMIN, "Delete a volume type."),
    Rule("volume_extension:types_extra_specs:index", _READER, "List the extra specs of a volume type."),
    Rule("volume_extension:types_extra_specs:show", _READER, "Show an extra spec of a volume type."),
    Rule("volume_extension:types_extra_specs:create", _ADMIN, "Set extra specs of a volume type."),
    Rule("volume_extension:types_extra_specs:update", _ADMIN, "Change an extra spec of a volume type."),
    Rule("volume_extension:types_extra_specs:delete", _ADMIN, "Remove an extra spec of a volume type."),
    Rule("volume_extension:type_actions", _ADMIN, "Ask for an action on a type; each has a rule of its own besides."),
    Rule("volume_extension:volume_type_access:get_all_for_type", _ADMIN, "See which projects have a private type."),
    Rule("volume_extension:volume_type_access:addProjectAccess", _ADMIN, "Give a project a private type."),
    Rule("volume_extension:volume_type_access:removeProjectAccess", _ADMIN, "Take a private type from a project."),
    Rule("volume_extension:quotas:show", _READER, "Show quotas: of the own project, or as an admin of any."),
    Rule("volume_extension:quotas:update", _ADMIN, "Set the quotas of a project."),
    Rule("volume_extension:quotas:delete", _ADMIN, "Take the quotas of a project away, so that the defaults hold."),
    Rule("volume_extension:quota_classes:get", _ADMIN, "Show the quotas of a class."),
    Rule("volume_extension:quota_classes:update", _ADMIN, "Set the quotas of a class."),
    Rule("limits_extension:used_limits", _READER, "Show limits and what is used of them."),
    Rule("volume_extension:availability_zone_list", _READER, "List availability zones."),
    Rule("volume_extension:services:index", _ADMIN, "List the services."),
    Rule("volume_extension:services:update", _ADMIN, "Enable and disable services."),
    Rule("volume_extension:hosts", _ADMIN, "See what hosts keep, enable and disable them."),
    Rule("volume_extension:capabilities", _ADMIN, "See what a backend can."),
    Rule("scheduler_extension:scheduler_stats:get_pools", _ADMIN, "See the pools of the backends."),
    Rule("volume_extension:list_extensions", _READER, "List the extensions of the API."),
    Rule("message:get", _READER, "Show why a volume is in error."),
    Rule("message:get_all", _READER, "List why volumes are in error."),
    Rule("message:delete", _MEMBER, "Remove a message."),
    Rule("volume:create_transfer", _MEMBER, "Offer a volume to another project."),
    Rule("volume:accept_transfer", _MEMBER, "Take a volume that is offered, with its key."),
    Rule("volume:get_transfer", _READER, "Show an offer."),
    Rule("volume:get_all_transfers", _READER, "List offers."),
    Rule("volume:delete_transfer", _MEMBER, "Take an offer back."),
]
