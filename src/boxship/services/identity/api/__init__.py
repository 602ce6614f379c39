"""The routes of the identity service (Keystone v3) and their handlers: parse, call one operation, shape the answer."""

from __future__ import annotations

from boxship.core.http.call import Reply
from boxship.core.http.routes import PUBLIC, Route
from boxship.services.identity import model, schemas
from boxship.services.identity.api import catalog, groups
from boxship.services.identity.api.answers import IdentityCall, page
from boxship.services.identity.operations import assignments, projects, roles, users

# Versions and tokens.


async def show_versions(call: IdentityCall) -> Reply:
    return Reply({"versions": {"values": [schemas.version(call.base_url)]}}, 300)


async def show_version(call: IdentityCall) -> Reply:
    return Reply({"version": schemas.version(call.base_url)})


async def issue_token(call: IdentityCall) -> Reply:
    token, shown = await call.live.issue(call)
    return Reply(shown, 201, {"X-Subject-Token": token, "Vary": "X-Auth-Token"})


async def validate_token(call: IdentityCall) -> Reply:
    shown = await call.live.show(call)
    return Reply(shown, 200, {"X-Subject-Token": call.headers["x-subject-token"], "Vary": "X-Auth-Token"})


async def revoke_token(call: IdentityCall) -> Reply:
    await call.live.revoke(call)
    return Reply(status=204)


async def list_auth_projects(call: IdentityCall) -> Reply:
    return await _reachable(call, call.caller.user_id, "project", "auth/projects")


async def list_auth_domains(call: IdentityCall) -> Reply:
    return await _reachable(call, call.caller.user_id, "domain", "auth/domains")


async def list_auth_system(call: IdentityCall) -> Reply:
    held = await assignments.on_system(call.transaction, call.caller.user_id)
    return Reply({"system": [{"all": True}] if held else []})


async def list_user_projects(call: IdentityCall) -> Reply:
    await users.find(call.transaction, call.parameters["user"])
    return await _reachable(call, call.parameters["user"], "project", f"users/{call.parameters['user']}/projects")


async def _reachable(call: IdentityCall, user_id: str, kind: str, path: str) -> Reply:
    shown = [schemas.project(row, call.base_url) for row in await projects.reachable(call.transaction, user_id, kind)]
    return Reply(schemas.collection(f"{kind}s", shown, f"{call.base_url}/v3/{path}"))


# Projects and domains.


async def list_projects(call: IdentityCall) -> Reply:
    rows = await projects.show_all(call.transaction, call.query, is_domain=call.query.flag("is_domain"))
    return page(call, "projects", [schemas.project(row, call.base_url) for row in rows])


async def list_domains(call: IdentityCall) -> Reply:
    rows = await projects.show_all(call.transaction, call.query, is_domain=True)
    return page(call, "domains", [schemas.project(row, call.base_url) for row in rows])


async def create_project(call: IdentityCall) -> Reply:
    row = await projects.create(call.transaction, call.read(schemas.ProjectBody).project)
    return Reply({"project": schemas.project(row, call.base_url)}, 201)


async def show_project(call: IdentityCall) -> Reply:
    row = await projects.find(call.transaction, call.parameters["project"])
    return Reply({"project": schemas.project(row, call.base_url)})


async def update_project(call: IdentityCall) -> Reply:
    row = await projects.find(call.transaction, call.parameters["project"])
    row = await projects.update(call.transaction, row, call.read(schemas.ProjectBody).project)
    return Reply({"project": schemas.project(row, call.base_url)})


async def delete_project(call: IdentityCall) -> Reply:
    await projects.delete(call.transaction, await projects.find(call.transaction, call.parameters["project"]))
    return Reply(status=204)


async def create_domain(call: IdentityCall) -> Reply:
    row = await projects.create(call.transaction, call.read(schemas.DomainBody).domain)
    return Reply({"domain": schemas.project(row, call.base_url)}, 201)


async def show_domain(call: IdentityCall) -> Reply:
    row = await projects.show_domain(call.transaction, call.caller, call.parameters["domain"])
    return Reply({"domain": schemas.project(row, call.base_url)})


async def update_domain(call: IdentityCall) -> Reply:
    row = await projects.find(call.transaction, call.parameters["domain"], is_domain=True)
    row = await projects.update(call.transaction, row, call.read(schemas.DomainBody).domain)
    return Reply({"domain": schemas.project(row, call.base_url)})


async def delete_domain(call: IdentityCall) -> Reply:
    row = await projects.find(call.transaction, call.parameters["domain"], is_domain=True)
    await projects.delete(call.transaction, row)
    return Reply(status=204)


# Users.


async def list_users(call: IdentityCall) -> Reply:
    rows = await users.show_all(call.transaction, call.query)
    return page(call, "users", [schemas.user(row, call.base_url) for row in rows])


async def create_user(call: IdentityCall) -> Reply:
    row = await call.live.create_user(call)
    return Reply({"user": schemas.user(row, call.base_url)}, 201)


async def show_user(call: IdentityCall) -> Reply:
    row = await users.find(call.transaction, call.parameters["user"])
    return Reply({"user": schemas.user(row, call.base_url)})


async def update_user(call: IdentityCall) -> Reply:
    row = await call.live.update_user(call)
    return Reply({"user": schemas.user(row, call.base_url)})


async def delete_user(call: IdentityCall) -> Reply:
    await users.delete(call.transaction, call.parameters["user"])
    return Reply(status=204)


async def change_password(call: IdentityCall) -> Reply:
    await call.live.change_password(call)
    return Reply(status=204)


# Roles.


async def list_roles(call: IdentityCall) -> Reply:
    rows = await roles.show_all(call.transaction, call.query)
    return page(call, "roles", [schemas.role(row, call.base_url) for row in rows])


async def create_role(call: IdentityCall) -> Reply:
    row = await roles.create(call.transaction, call.read(schemas.RoleBody).role)
    return Reply({"role": schemas.role(row, call.base_url)}, 201)


async def show_role(call: IdentityCall) -> Reply:
    row = await roles.find(call.transaction, call.parameters["role"])
    return Reply({"role": schemas.role(row, call.base_url)})


async def update_role(call: IdentityCall) -> Reply:
    row = await roles.find(call.transaction, call.parameters["role"])
    row = await roles.update(call.transaction, row, call.read(schemas.RoleBody).role)
    return Reply({"role": schemas.role(row, call.base_url)})


async def delete_role(call: IdentityCall) -> Reply:
    await roles.delete(call.transaction, await roles.find(call.transaction, call.parameters["role"]))
    return Reply(status=204)


async def list_inferences(call: IdentityCall) -> Reply:
    shown = await roles.inferences(call.transaction)
    return Reply({"role_inferences": shown, "links": {"self": f"{call.base_url}/v3/role_inferences"}})


# Assignments.


async def list_grants(call: IdentityCall) -> Reply:
    kind, target = _target(call)
    if "group" in call.parameters:
        rows = await assignments.granted_to_group(call.transaction, call.parameters["group"], kind, target)
    else:
        rows = await assignments.granted_to_user(call.transaction, call.parameters["user"], kind, target)
    url = f"{call.base_url}/v3{call.path.partition('/v3')[2]}"
    return Reply(schemas.collection("roles", [schemas.role(row, call.base_url) for row in rows], url))


async def check_grant(call: IdentityCall) -> Reply:
    await assignments.check(call.transaction, _grant(call))
    return Reply(status=204)


async def create_grant(call: IdentityCall) -> Reply:
    await assignments.grant(call.transaction, _grant(call))
    return Reply(status=204)


async def revoke_grant(call: IdentityCall) -> Reply:
    await assignments.revoke(call.transaction, _grant(call))
    return Reply(status=204)


def _target(call: IdentityCall) -> tuple[str, str]:
    for kind in ("project", "domain"):
        if kind in call.parameters:
            return kind, call.parameters[kind]
    return "system", "all"


def _grant(call: IdentityCall) -> model.Grant:
    kind, target = _target(call)
    role = call.parameters["role"]
    if "group" in call.parameters:
        return model.GroupAssignment(group_id=call.parameters["group"], kind=kind, target_id=target, role_id=role)
    return model.Assignment(user_id=call.parameters["user"], kind=kind, target_id=target, role_id=role)


async def list_assignments(call: IdentityCall) -> Reply:
    shown = await assignments.show_all(call.transaction, call.query, call.base_url)
    return Reply(schemas.collection("role_assignments", shown, f"{call.base_url}/v3/role_assignments"))


def _grants(target: str, actor: str) -> list[Route]:
    """The four routes of the roles of users or groups on one kind of target."""
    path = f"/v3/{target}/{actor}/roles"
    return [
        Route("GET", path, list_grants, "identity:list_grants"),
        Route("GET", f"{path}/{{role}}", check_grant, "identity:check_grant"),
        Route("PUT", f"{path}/{{role}}", create_grant, "identity:create_grant"),
        Route("DELETE", f"{path}/{{role}}", revoke_grant, "identity:revoke_grant"),
    ]


ROUTES = [
    Route("GET", "/", show_versions, PUBLIC),
    Route("GET", "/v3", show_version, PUBLIC),
    Route("POST", "/v3/auth/tokens", issue_token, PUBLIC, live=True),
    Route("GET", "/v3/auth/tokens", validate_token, "identity:validate_token", live=True),
    Route("DELETE", "/v3/auth/tokens", revoke_token, "identity:revoke_token", live=True),
    Route("GET", "/v3/auth/projects", list_auth_projects, "identity:get_auth_projects"),
    Route("GET", "/v3/auth/domains", list_auth_domains, "identity:get_auth_domains"),
    Route("GET", "/v3/auth/system", list_auth_system, "identity:get_auth_system"),
    Route("GET", "/v3/projects", list_projects, "identity:list_projects"),
    Route("POST", "/v3/projects", create_project, "identity:create_project"),
    Route("GET", "/v3/projects/{project}", show_project, "identity:get_project"),
    Route("PATCH", "/v3/projects/{project}", update_project, "identity:update_project"),
    Route("DELETE", "/v3/projects/{project}", delete_project, "identity:delete_project"),
    Route("GET", "/v3/domains", list_domains, "identity:list_domains"),
    Route("POST", "/v3/domains", create_domain, "identity:create_domain"),
    Route("GET", "/v3/domains/{domain}", show_domain, "identity:get_domain"),
    Route("PATCH", "/v3/domains/{domain}", update_domain, "identity:update_domain"),
    Route("DELETE", "/v3/domains/{domain}", delete_domain, "identity:delete_domain"),
    Route("GET", "/v3/users", list_users, "identity:list_users"),
    Route("POST", "/v3/users", create_user, "identity:create_user", live=True),
    Route("GET", "/v3/users/{user}", show_user, "identity:get_user"),
    Route("PATCH", "/v3/users/{user}", update_user, "identity:update_user", live=True),
    Route("DELETE", "/v3/users/{user}", delete_user, "identity:delete_user"),
    Route("POST", "/v3/users/{user}/password", change_password, "identity:change_password", live=True),
    Route("GET", "/v3/users/{user}/projects", list_user_projects, "identity:list_user_projects"),
    *groups.ROUTES,
    Route("GET", "/v3/roles", list_roles, "identity:list_roles"),
    Route("POST", "/v3/roles", create_role, "identity:create_role"),
    Route("GET", "/v3/roles/{role}", show_role, "identity:get_role"),
    Route("PATCH", "/v3/roles/{role}", update_role, "identity:update_role"),
    Route("DELETE", "/v3/roles/{role}", delete_role, "identity:delete_role"),
    Route("GET", "/v3/role_inferences", list_inferences, "identity:list_role_inference_rules"),
    *(
        route
        for target in ("projects/{project}", "domains/{domain}", "system")
        for actor in ("users/{user}", "groups/{group}")
        for route in _grants(target, actor)
    ),
    Route("GET", "/v3/role_assignments", list_assignments, "identity:list_role_assignments"),
    *catalog.ROUTES,
]
