"""Configuration of servers: OS::Heat::SoftwareConfig, StructuredConfig, CloudConfig, MultipartMime, SoftwareDeployment,
StructuredDeployment, SoftwareDeploymentGroup."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from typing import Any

import yaml

from boxship.services.orchestration.resources import membership
from boxship.services.orchestration.resources.declaring import pairs, rows, text, texts
from boxship.services.orchestration.resources.groups import Group
from boxship.services.orchestration.resources.interface import Attribute, Failed, Kind, Property, ResourceType, Work

_ACTIONS = ("CREATE", "UPDATE", "DELETE", "SUSPEND", "RESUME")
_INPUTS = Property(Kind.LIST, "What is put in.", default=[])
_OUTPUTS = Property(Kind.LIST, "What comes out.", default=[])


class SoftwareConfig(ResourceType):
    """A piece of configuration."""

    name = "OS::Heat::SoftwareConfig"
    since = "2014.1"
    properties = {
        "group": text("Which tool applies it.", default="Heat::Ungrouped"),
        "config": text("The configuration."),
        "options": pairs("Options of the tool."),
        "inputs": _INPUTS,
        "outputs": _OUTPUTS,
    }
    attributes = {"config": Attribute("The configuration.")}

    def config(self, it: Work) -> str:
        """The text that is stored."""
        return str(it.properties["config"] or "")

    def group(self, it: Work) -> str:
        """Which tool applies it."""
        return str(it.properties.get("group") or "Heat::Ungrouped")

    async def create(self, it: Work) -> None:
        body = {
            "name": it.physical_name,
            "group": self.group(it),
            "config": self.config(it),
            "options": it.properties.get("options") or {},
            "inputs": it.properties.get("inputs") or [],
            "outputs": it.properties.get("outputs") or [],
        }
        made = await it.ask("orchestration", "POST", "/software_configs", body)
        it.physical_id = made["software_config"]["id"]

    async def delete(self, it: Work) -> None:
        if it.physical_id is not None:
            await it.ask("orchestration", "DELETE", f"/software_configs/{it.physical_id}")

    async def attribute(self, it: Work, name: str) -> Any:
        found = await it.ask("orchestration", "GET", f"/software_configs/{it.physical_id}")
        return found["software_config"]["config"]


class StructuredConfig(SoftwareConfig):
    """A piece of configuration that is a map."""

    name = "OS::Heat::StructuredConfig"
    properties = {**SoftwareConfig.properties, "config": pairs("The configuration.")}

    def config(self, it: Work) -> str:
        return json.dumps(it.properties["config"] or {})


class CloudConfig(SoftwareConfig):
    """A configuration for cloud-init, as a map."""

    name = "OS::Heat::CloudConfig"
    properties = {"cloud_config": pairs("The configuration.")}

    def config(self, it: Work) -> str:
        return "#cloud-config\n" + yaml.safe_dump(it.properties["cloud_config"] or {}, default_flow_style=False)


class MultipartMime(SoftwareConfig):
    """Several configurations in one message, as cloud-init takes them."""

    name = "OS::Heat::MultipartMime"
    properties = {
        "parts": rows(
            "The parts.",
            {
                "config": text("The configuration, or the id of one.", required=True),
                "filename": text("The name of the part."),
                "type": text("Whether it is a text or has parts itself.", default="text", among=("text", "multipart")),
                "subtype": text("What kind of text it is."),
            },
        ),
        "group": text("Which tool applies it.", default="Heat::Ungrouped"),
    }

    async def create(self, it: Work) -> None:
        parts = []
        for part in it.properties["parts"] or []:
            found = (
                await it.has("orchestration", f"/software_configs/{part['config']}") if _is_id(part["config"]) else None
            )
            parts.append({**part, "config": found["software_config"]["config"] if found else part["config"]})
        it.properties["parts"] = parts
        await super().create(it)

    def config(self, it: Work) -> str:
        """All parts in one message."""
        message = MIMEMultipart(boundary=f"==={uuid.uuid4().hex}===")
        for part in it.properties["parts"] or []:
            each = MIMEText(part["config"], part.get("subtype") or "plain", "utf-8")
            if part.get("filename"):
                each.add_header("Content-Disposition", "attachment", filename=part["filename"])
            message.attach(each)
        return message.as_string()


def _is_id(given: str) -> bool:
    try:
        return str(uuid.UUID(given)) == given
    except ValueError:
        return False


def _transport(properties: Mapping[str, Any]) -> str | None:
    if properties.get("signal_transport") in {"CFN_SIGNAL", "TEMP_URL_SIGNAL", "ZAQAR_SIGNAL"}:
        return f"signal_transport {properties['signal_transport']} is not offered; HEAT_SIGNAL and NO_SIGNAL are."
    return None


class SoftwareDeployment(ResourceType):
    """A configuration for one server; it is made when the server's agent says so, where anybody is to say anything."""

    name = "OS::Heat::SoftwareDeployment"
    since = "2014.1"
    metadata_is_given = False
    properties = {
        "config": text("The configuration.", changes=True),
        "server": text("The server.", required=True),
        "input_values": pairs("What is put in.", changes=True),
        "actions": texts("When it is applied.", default=["CREATE", "UPDATE"], changes=True),
        "name": text("Its name.", changes=True),
        "signal_transport": text(
            "How the server says that it is done.",
            default="HEAT_SIGNAL",
            among=("CFN_SIGNAL", "TEMP_URL_SIGNAL", "HEAT_SIGNAL", "NO_SIGNAL", "ZAQAR_SIGNAL"),
        ),
    }
    attributes = {
        "deploy_stdout": Attribute("What the tool said."),
        "deploy_stderr": Attribute("What the tool complained of."),
        "deploy_status_code": Attribute("How the tool ended."),
    }
    takes_any_attribute = True

    def check_properties(self, properties: Mapping[str, Any]) -> str | None:
        return _transport(properties)

    def _fields(self, it: Work, action: str) -> dict[str, Any]:
        waits = action in it.properties["actions"] and it.properties["signal_transport"] != "NO_SIGNAL"
        return {
            "config_id": it.properties["config"],
            "server_id": it.properties["server"],
            "action": action,
            "status": "IN_PROGRESS" if waits else "COMPLETE",
            "status_reason": "Deploy data available" if waits else "Not waiting for outputs signal",
            "input_values": it.properties["input_values"] or {},
        }

    async def create(self, it: Work) -> None:
        made = await it.ask("orchestration", "POST", "/software_deployments", self._fields(it, "CREATE"))
        it.physical_id = made["software_deployment"]["id"]

    async def is_created(self, it: Work) -> bool:
        row = await self.shown(it)
        if row is None:
            raise Failed(f"The deployment {it.physical_id} is gone.")
        if row["status"] == "FAILED":
            raise Failed(f"Deployment to server failed: {row['status_reason']}")
        return bool(row["status"] == "COMPLETE")

    async def update(self, it: Work, changed: Mapping[str, Any]) -> None:
        await it.ask("orchestration", "PUT", f"/software_deployments/{it.physical_id}", self._fields(it, "UPDATE"))

    async def delete(self, it: Work) -> None:
        if it.physical_id is not None:
            await it.ask("orchestration", "DELETE", f"/software_deployments/{it.physical_id}")

    async def shown(self, it: Work) -> Any:
        found = await it.has("orchestration", f"/software_deployments/{it.physical_id}")
        return found["software_deployment"] if found else None

    async def signal(self, it: Work, details: Any) -> str | None:
        given = details if isinstance(details, dict) else {}
        code = str(given.get("deploy_status_code", "0"))
        failed = code not in {"0", ""}
        fields = {
            "output_values": given,
            "status": "FAILED" if failed else "COMPLETE",
            "status_reason": f"deploy_status_code : Deployment exited with non-zero status code: {code}"
            if failed
            else "Outputs received",
        }
        await it.ask("orchestration", "PUT", f"/software_deployments/{it.physical_id}", fields)
        return f"deployment {'failed' if failed else 'succeeded'}"

    async def attribute(self, it: Work, name: str) -> Any:
        row = await self.shown(it)
        return None if row is None else row["output_values"].get(name)


class StructuredDeployment(SoftwareDeployment):
    """A configuration that is a map, for one server."""

    name = "OS::Heat::StructuredDeployment"


class SoftwareDeploymentGroup(Group):
    """A configuration for several servers, a deployment for each."""

    name = "OS::Heat::SoftwareDeploymentGroup"
    since = "5.0.0"
    properties = {
        "servers": pairs("The servers, by the names of their deployments.", required=True, changes=True),
        **{name: each for name, each in SoftwareDeployment.properties.items() if name != "server"},
    }
    attributes = {
        f"{name}s": Attribute(f"{each.description} By the name of the deployment.", Kind.MAP)
        for name, each in SoftwareDeployment.attributes.items()
    }

    def check_properties(self, properties: Mapping[str, Any]) -> str | None:
        return _transport(properties)

    async def members(self, it: Work) -> membership.Members:
        """One deployment per server."""
        return {str(name): self._deployment(it, server) for name, server in it.properties["servers"].items()}

    def surge(self, it: Work, name: str) -> membership.Definition:
        raise AssertionError("no deployment is left in peace, so none has to stand in for it")

    def _deployment(self, it: Work, server: Any) -> membership.Definition:
        given = {name: value for name, value in it.properties.items() if name != "servers" and value is not None}
        return {"type": SoftwareDeployment.name, "properties": {**given, "server": server}}

    def rolling(self, it: Work) -> Mapping[str, Any] | None:
        """As the update policy says."""
        found = (it.update_policy or {}).get("rolling_update")
        return {**found, "min_in_service": 0} if found else None

    async def attribute_at(self, it: Work, name: str, path: Sequence[Any]) -> Any:
        """Of all deployments, by name: what they said, or any output of theirs."""
        if name.startswith("resource.") or name in {"refs", "refs_map"}:
            return await super().attribute_at(it, name, path)
        wanted = name.removesuffix("s") if name in self.attributes else name
        names = (await it.children.template(it))["resources"]
        return {each: await it.children.attribute(it, each, wanted) for each in names}


TYPES: tuple[ResourceType, ...] = (
    SoftwareConfig(),
    StructuredConfig(),
    CloudConfig(),
    MultipartMime(),
    SoftwareDeployment(),
    StructuredDeployment(),
    SoftwareDeploymentGroup(),
)
