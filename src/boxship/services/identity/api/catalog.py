"""The routes of the catalog and its parts."""

from __future__ import annotations

from boxship.core import errors
from boxship.core.http.call import Reply
from boxship.core.http.routes import Route
from boxship.services.identity import operations, schemas
from boxship.services.identity.api.answers import IdentityCall
from boxship.services.identity.operations import catalog


async def show_catalog(call: IdentityCall) -> Reply:
    caller, links = call.caller, {"self": f"{call.base_url}/v3/auth/catalog"}
    if not (caller.project_id or caller.domain_id or caller.system):
        raise errors.Forbidden("A scoped token is required to produce a service catalog.")
    shown = await call.live.catalog.of(call.transaction, caller.project_id, caller.user_id)
    return Reply({"catalog": shown, "links": links})


def _chosen(call: IdentityCall, kind: str, rows: list[schemas.Shown]) -> Reply:
    """The rows that the query asks for."""
    return Reply(schemas.collection(kind, operations.matching(rows, call.query), f"{call.base_url}/v3/{kind}"))


# Services.


async def list_services(call: IdentityCall) -> Reply:
    rows = await catalog.services(call.transaction, call.live.catalog.builtin)
    return _chosen(call, "services", [schemas.service(row, call.base_url) for row in rows])


async def show_service(call: IdentityCall) -> Reply:
    rows = await catalog.services(call.transaction, call.live.catalog.builtin)
    row = catalog.one("service", rows, call.parameters["service"])
    return Reply({"service": schemas.service(row, call.base_url)})


async def create_service(call: IdentityCall) -> Reply:
    fields = call.read(schemas.ServiceBody).service
    row = await catalog.create_service(call.transaction, fields)
    return Reply({"service": schemas.service(row, call.base_url)}, 201)


async def update_service(call: IdentityCall) -> Reply:
    fields, builtin = call.read(schemas.ServiceBody).service, call.live.catalog.builtin
    row = await catalog.update_service(call.transaction, builtin, call.parameters["service"], fields)
    return Reply({"service": schemas.service(row, call.base_url)})


async def delete_service(call: IdentityCall) -> Reply:
    await catalog.delete_service(call.transaction, call.live.catalog.builtin, call.parameters["service"])
    return Reply(status=204)


# Endpoints.


async def list_endpoints(call: IdentityCall) -> Reply:
    rows = await catalog.endpoints(call.transaction, call.live.catalog.builtin)
    return _chosen(call, "endpoints", [schemas.endpoint(row, call.base_url) for row in rows])


async def show_endpoint(call: IdentityCall) -> Reply:
    rows = await catalog.endpoints(call.transaction, call.live.catalog.builtin)
    row = catalog.one("endpoint", rows, call.parameters["endpoint"])
    return Reply({"endpoint": schemas.endpoint(row, call.base_url)})


async def create_endpoint(call: IdentityCall) -> Reply:
    fields = call.read(schemas.EndpointBody).endpoint
    row = await catalog.create_endpoint(call.transaction, call.live.catalog.builtin, fields)
    return Reply({"endpoint": schemas.endpoint(row, call.base_url)}, 201)


async def update_endpoint(call: IdentityCall) -> Reply:
    fields, builtin = call.read(schemas.EndpointBody).endpoint, call.live.catalog.builtin
    row = await catalog.update_endpoint(call.transaction, builtin, call.parameters["endpoint"], fields)
    return Reply({"endpoint": schemas.endpoint(row, call.base_url)})


async def delete_endpoint(call: IdentityCall) -> Reply:
    await catalog.delete_endpoint(call.transaction, call.live.catalog.builtin, call.parameters["endpoint"])
    return Reply(status=204)


# Regions.


async def list_regions(call: IdentityCall) -> Reply:
    rows = await catalog.regions(call.transaction, call.live.catalog.builtin)
    return _chosen(call, "regions", [schemas.region(row, call.base_url) for row in rows])


async def show_region(call: IdentityCall) -> Reply:
    rows = await catalog.regions(call.transaction, call.live.catalog.builtin)
    row = catalog.one("region", rows, call.parameters["region"])
    return Reply({"region": schemas.region(row, call.base_url)})


async def create_region(call: IdentityCall) -> Reply:
    fields = call.read(schemas.RegionBody).region
    builtin = call.live.catalog.builtin
    row = await catalog.create_region(call.transaction, builtin, fields, id=call.parameters.get("region"))
    return Reply({"region": schemas.region(row, call.base_url)}, 201)


async def update_region(call: IdentityCall) -> Reply:
    fields, builtin = call.read(schemas.RegionBody).region, call.live.catalog.builtin
    row = await catalog.update_region(call.transaction, builtin, call.parameters["region"], fields)
    return Reply({"region": schemas.region(row, call.base_url)})


async def delete_region(call: IdentityCall) -> Reply:
    await catalog.delete_region(call.transaction, call.live.catalog.builtin, call.parameters["region"])
    return Reply(status=204)


ROUTES = [
    Route("GET", "/v3/auth/catalog", show_catalog, "identity:get_auth_catalog"),
    Route("GET", "/v3/services", list_services, "identity:list_services"),
    Route("POST", "/v3/services", create_service, "identity:create_service"),
    Route("GET", "/v3/services/{service}", show_service, "identity:list_services"),
    Route("PATCH", "/v3/services/{service}", update_service, "identity:update_service"),
    Route("DELETE", "/v3/services/{service}", delete_service, "identity:delete_service"),
    Route("GET", "/v3/endpoints", list_endpoints, "identity:list_endpoints"),
    Route("POST", "/v3/endpoints", create_endpoint, "identity:create_endpoint"),
    Route("GET", "/v3/endpoints/{endpoint}", show_endpoint, "identity:list_endpoints"),
    Route("PATCH", "/v3/endpoints/{endpoint}", update_endpoint, "identity:update_endpoint"),
    Route("DELETE", "/v3/endpoints/{endpoint}", delete_endpoint, "identity:delete_endpoint"),
    Route("GET", "/v3/regions", list_regions, "identity:list_regions"),
    Route("POST", "/v3/regions", create_region, "identity:create_region"),
    Route("GET", "/v3/regions/{region}", show_region, "identity:list_regions"),
    Route("PUT", "/v3/regions/{region}", create_region, "identity:create_region"),
    Route("PATCH", "/v3/regions/{region}", update_region, "identity:update_region"),
    Route("DELETE", "/v3/regions/{region}", delete_region, "identity:delete_region"),
]
