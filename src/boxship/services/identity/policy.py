"""Who may do what with identities: admin everything, users their own; Keystone's rule names."""

from __future__ import annotations

from boxship.core.auth.rules import Rule

_ADMIN = "role:admin"
_OWN = "role:admin or user_id:%(user)s"
_ANYONE = "@"

RULES = [
    Rule("identity:validate_token", _ANYONE, "Validate a token; of others only with role admin or service."),
    Rule("identity:validate_any_token", "role:admin or role:service", "Validate or revoke the token of somebody else."),
    Rule("identity:revoke_token", _ANYONE, "Revoke a token."),
    Rule("identity:get_auth_catalog", _ANYONE, "See the catalog of one's token."),
    Rule("identity:get_auth_projects", _ANYONE, "See the projects that one may act in."),
    Rule("identity:get_auth_domains", _ANYONE, "See the domains that one may act in."),
    Rule("identity:get_auth_system", _ANYONE, "See whether one may act on the system."),
    Rule("identity:list_projects", _ADMIN, "List projects."),
    Rule("identity:get_project", "role:admin or project_id:%(project)s", "Show a project."),
    Rule("identity:create_project", _ADMIN, "Create a project."),
    Rule("identity:update_project", _ADMIN, "Change a project."),
    Rule("identity:delete_project", _ADMIN, "Delete a project."),
    Rule("identity:list_domains", _ADMIN, "List domains."),
    Rule("identity:get_domain", _ANYONE, "Show a domain: one's own, or any with role admin."),
    Rule("identity:get_any_domain", _ADMIN, "Show a domain that is not one's own."),
    Rule("identity:create_domain", _ADMIN, "Create a domain."),
    Rule("identity:update_domain", _ADMIN, "Change a domain."),
    Rule("identity:delete_domain", _ADMIN, "Delete a domain."),
    Rule("identity:list_users", _ADMIN, "List users."),
    Rule("identity:get_user", _OWN, "Show a user."),
    Rule("identity:create_user", _ADMIN, "Create a user."),
    Rule("identity:update_user", _ADMIN, "Change a user."),
    Rule("identity:delete_user", _ADMIN, "Delete a user."),
    Rule("identity:change_password", _OWN, "Change one's own password."),
    Rule("identity:list_user_projects", _OWN, "List the projects of a user."),
    Rule("identity:list_roles", _ADMIN, "List roles."),
    Rule("identity:get_role", _ADMIN, "Show a role."),
    Rule("identity:create_role", _ADMIN, "Create a role."),
    Rule("identity:update_role", _ADMIN, "Change a role."),
    Rule("identity:delete_role", _ADMIN, "Delete a role."),
    Rule("identity:list_role_inference_rules", _ADMIN, "List which role implies which."),
    Rule("identity:list_grants", _ADMIN, "List the roles of a user on a target."),
    Rule("identity:check_grant", _ADMIN, "Check whether a user has a role."),
    Rule("identity:create_grant", _ADMIN, "Give a user a role."),
    Rule("identity:revoke_grant", _ADMIN, "Take a role from a user."),
    Rule("identity:list_role_assignments", _ADMIN, "List who has which role where."),
    Rule("identity:list_services", _ADMIN, "List the services of the catalog."),
    Rule("identity:list_endpoints", _ADMIN, "List the endpoints of the catalog."),
    Rule("identity:list_regions", _ANYONE, "List regions."),
]
