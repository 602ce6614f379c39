"""Handlers of software configs and deployments: parse, call one operation, shape the answer."""

from __future__ import annotations

from boxship.core.http.call import Reply
from boxship.core.http.routes import Route
from boxship.services.orchestration import errors
from boxship.services.orchestration.live import StackCall
from boxship.services.orchestration.operations import configs
from boxship.services.orchestration.schemas import configs as wire


async def create_config(call: StackCall) -> Reply:
    wish = call.read(wire.ConfigRequest).wish()
    return Reply({"software_config": wire.config(await configs.create_config(call.transaction, call.caller, wish))})


async def list_configs(call: StackCall) -> Reply:
    everybodys = call.query.flag("global_tenant")
    if everybodys:
        call.caller.require("software_configs:global_index")
    found = await configs.list_configs(call.transaction, call.caller, call.query, everybodys=everybodys)
    return Reply({"software_configs": [wire.brief(each, with_project=everybodys) for each in found]})


async def show_config(call: StackCall) -> Reply:
    found = await configs.get_config(call.transaction, call.caller, call.parameters["config"])
    return Reply({"software_config": wire.config(found)})


async def delete_config(call: StackCall) -> Reply:
    await configs.delete_config(call.transaction, call.caller, call.parameters["config"])
    return Reply(status=204)


async def create_deployment(call: StackCall) -> Reply:
    wish = call.read(wire.DeploymentRequest).wish()
    for name in ("config_id", "server_id"):
        if getattr(wish, name) is None:
            raise errors.NotSupported(f"{name}: this field is required")
    made = await configs.create_deployment(call.transaction, call.caller, wish)
    return Reply({"software_deployment": wire.deployment(made)})


async def list_deployments(call: StackCall) -> Reply:
    found = await configs.list_deployments(call.transaction, call.caller, call.query)
    return Reply({"software_deployments": [wire.deployment(each) for each in found]})


async def show_deployment(call: StackCall) -> Reply:
    found = await configs.get_deployment(call.transaction, call.caller, call.parameters["deployment"])
    return Reply({"software_deployment": wire.deployment(found)})


async def show_metadata(call: StackCall) -> Reply:
    found = await configs.metadata(call.transaction, call.caller, call.parameters["server"])
    return Reply({"metadata": [wire.applied(deployment, config) for deployment, config in found]})


async def update_deployment(call: StackCall) -> Reply:
    wish = call.read(wire.DeploymentRequest).wish()
    changed = await configs.update_deployment(call.transaction, call.caller, call.parameters["deployment"], wish)
    return Reply({"software_deployment": wire.deployment(changed)})


async def delete_deployment(call: StackCall) -> Reply:
    await configs.delete_deployment(call.transaction, call.caller, call.parameters["deployment"])
    return Reply(status=204)


_CONFIGS = "/v1/{project_id}/software_configs"
_DEPLOYMENTS = "/v1/{project_id}/software_deployments"
_ONE = f"{_DEPLOYMENTS}/{{deployment}}"

ROUTES = [
    Route("GET", _CONFIGS, list_configs, "software_configs:index"),
    Route("POST", _CONFIGS, create_config, "software_configs:create"),
    Route("GET", f"{_CONFIGS}/{{config}}", show_config, "software_configs:show"),
    Route("DELETE", f"{_CONFIGS}/{{config}}", delete_config, "software_configs:delete"),
    Route("GET", _DEPLOYMENTS, list_deployments, "software_deployments:index"),
    Route("POST", _DEPLOYMENTS, create_deployment, "software_deployments:create"),
    Route("GET", f"{_DEPLOYMENTS}/metadata/{{server}}", show_metadata, "software_deployments:metadata"),
    Route("GET", _ONE, show_deployment, "software_deployments:show"),
    Route("PUT", _ONE, update_deployment, "software_deployments:update"),
    Route("DELETE", _ONE, delete_deployment, "software_deployments:delete"),
]
