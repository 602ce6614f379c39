"""The wire of software configs and deployments (API reference, "Software configuration")."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from boxship.services.orchestration.model import SoftwareConfig, SoftwareDeployment
from boxship.services.orchestration.operations.configs import ConfigWish, DeploymentWish
from boxship.services.orchestration.schemas.stacks import moment

Document = dict[str, Any]
_Name = Annotated[str, Meta(max_length=255)]
_Text = Annotated[str, Meta(max_length=1 << 20)]
_Word = Annotated[str, Meta(max_length=64)]


class ConfigRequest(msgspec.Struct, forbid_unknown_fields=True):
    """POST /software_configs."""

    name: _Name | None = None
    group: _Name | None = None
    config: _Text | None = None
    inputs: list[dict[str, Any]] | None = None
    outputs: list[dict[str, Any]] | None = None
    options: dict[str, Any] | None = None

    def wish(self) -> ConfigWish:
        """As operations take it."""
        return ConfigWish(self.name, self.group, self.config, self.inputs or (), self.outputs or (), self.options or {})


class DeploymentRequest(msgspec.Struct, forbid_unknown_fields=True):
    """POST and PUT of software deployments; ``stack_user_project_id`` and ``tenant`` are read and have no effect."""

    config_id: _Word | None = None
    server_id: _Name | None = None
    action: _Word | None = None
    status: _Word | None = None
    status_reason: _Text | None = None
    input_values: dict[str, Any] | None = None
    output_values: dict[str, Any] | None = None
    stack_user_project_id: _Word | None = None
    tenant: _Word | None = None
    updated_at: _Word | None = None

    def wish(self) -> DeploymentWish:
        """As operations take it."""
        return DeploymentWish(
            self.config_id,
            self.server_id,
            self.action,
            self.status,
            self.status_reason,
            self.input_values,
            self.output_values,
        )


def brief(config: SoftwareConfig, *, with_project: bool = False) -> Document:
    """A config in a list."""
    shown: Document = {
        "id": config.id,
        "name": config.name,
        "group": config.group,
        "creation_time": moment(config.created_at),
    }
    return {**shown, "project": config.project_id} if with_project else shown


def config(found: SoftwareConfig) -> Document:
    """A config by itself."""
    return {
        **brief(found),
        "config": found.config,
        "inputs": found.inputs,
        "outputs": found.outputs,
        "options": found.options,
    }


def deployment(found: SoftwareDeployment) -> Document:
    """A deployment."""
    shown = {
        "id": found.id,
        "config_id": found.config_id,
        "server_id": found.server_id,
        "action": found.action,
        "status": found.status,
        "status_reason": found.status_reason,
        "input_values": found.input_values,
        "output_values": found.output_values,
        "creation_time": moment(found.created_at),
    }
    return {**shown, "updated_time": moment(found.updated_at)} if found.updated_at else shown


def applied(found: SoftwareDeployment, of: SoftwareConfig) -> Document:
    """A config as the agent of a server reads it, with the values that the deployment gives to its inputs."""
    inputs = [{**each, "value": found.input_values.get(each["name"], each.get("default"))} for each in of.inputs]
    known = {each["name"] for each in of.inputs}
    extra = {name: value for name, value in found.input_values.items() if name not in known}
    inputs += [{"name": name, "type": "String", "value": value} for name, value in extra.items()]
    return {**config(of), "id": found.id, "inputs": inputs}
