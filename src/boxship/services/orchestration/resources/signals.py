"""Waiting for somebody to say that something is done: OS::Heat::WaitCondition and its handles, SwiftSignal and its handle.

A handle is told by the API with a token, or at a URL that is the secret itself (``Work.signed_url``): upstream signs such URLs
for its CloudFormation API and for Swift; here both are this API's, so that no Swift is needed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from boxship.core import clock, errors
from boxship.services.orchestration.resources.declaring import text, told, whole
from boxship.services.orchestration.resources.interface import Attribute, Failed, Kind, Property, ResourceType, Work
from boxship.services.orchestration.template.constraints import Range

_SIGNED = {"CFN_SIGNAL": "POST", "TEMP_URL_SIGNAL": "PUT"}
"""The transports that need no token, with what clients send."""
_JSON = "-H 'Content-Type: application/json' -H 'Accept: application/json'"


class WaitConditionHandle(ResourceType):
    """Where somebody says that something is done."""

    name = "OS::Heat::WaitConditionHandle"
    since = "2014.2"
    metadata_is_given = False
    properties = {
        "signal_transport": text(
            "How that is said.",
            default="TOKEN_SIGNAL",
            among=("CFN_SIGNAL", "TEMP_URL_SIGNAL", "HEAT_SIGNAL", "NO_SIGNAL", "ZAQAR_SIGNAL", "TOKEN_SIGNAL"),
        )
    }
    attributes = told(
        token="The token of who signals: one of the caller's own is used here.",  # noqa: S106 (a description)
        endpoint="Where a signal is sent to: with a token, or at a URL that is the secret itself.",
        curl_cli="A command that sends a signal.",
        signal="How to signal, as JSON.",
    )

    def check_properties(self, properties: Mapping[str, Any]) -> str | None:
        if properties.get("signal_transport") == "ZAQAR_SIGNAL":
            return "signal_transport ZAQAR_SIGNAL is not offered: there is no Zaqar here."
        return None

    def transport(self, it: Work) -> str:
        """How signals come."""
        return str(it.properties["signal_transport"])

    async def create(self, it: Work) -> None:
        it.physical_id = it.physical_name
        if self.transport(it) in _SIGNED:
            it.signed_url()

    async def signal(self, it: Work, details: Any) -> str | None:
        given = details if isinstance(details, dict) else {}
        unknown = set(given) - {"id", "status", "data", "reason"}
        if unknown:
            raise errors.BadRequest(f"A signal has id, status, data and reason, and not {sorted(unknown)[0]!r}.")
        status = given.get("status", "SUCCESS")
        if status not in {"SUCCESS", "FAILURE"}:
            raise errors.BadRequest("status is SUCCESS or FAILURE", field="status")
        id = str(given.get("id") or len(it.metadata) + 1)
        reason = str(given.get("reason") or f"Signal {id} received")
        it.metadata[id] = {"status": status, "data": given.get("data"), "reason": reason}
        return f"status:{status} reason:{reason}"

    def endpoint(self, it: Work) -> str:
        """Where signals are sent to."""
        return it.signed_url() if self.transport(it) in _SIGNED else it.signal_path

    async def attribute(self, it: Work, name: str) -> Any:
        if name == "endpoint":
            return self.endpoint(it)
        if name == "curl_cli":
            method = _SIGNED.get(self.transport(it), "POST")
            return f"curl -i -X {method} {_JSON} '{self.endpoint(it)}'"
        return json.dumps({"endpoint": self.endpoint(it)}) if name == "signal" else None


class UpdateWaitConditionHandle(WaitConditionHandle):
    """A handle that is made anew with each update, so that what waits for it waits again."""

    name = "OS::Heat::UpdateWaitConditionHandle"


class WaitCondition(ResourceType):
    """Waits until its handle was told so often that all is well."""

    name = "OS::Heat::WaitCondition"
    since = "2014.2"
    properties = {
        "handle": text("The handle.", required=True),
        "timeout": Property(Kind.NUMBER, "Seconds.", required=True, constraints=(Range(1, 43200),)),
        "count": whole("How often.", 1, default=1, changes=True),
    }
    attributes = {"data": Attribute("What the signals carried, as JSON.")}

    def handle(self, it: Work) -> str:
        """What its handle made."""
        return str(it.properties["handle"])

    async def create(self, it: Work) -> None:
        it.physical_id = it.physical_name
        it.data["until"] = str(clock.now().timestamp() + it.properties["timeout"])

    async def _told(self, it: Work) -> dict[str, Any]:
        return (await it.children.other(it, self.handle(it))).work.metadata

    async def is_created(self, it: Work) -> bool:
        said = await self._told(it)
        bad = [entry["reason"] for entry in said.values() if entry.get("status") == "FAILURE"]
        if bad:
            raise Failed(";".join(bad), kind="WaitConditionFailure")
        if len(said) >= it.properties["count"]:
            return True
        if clock.now().timestamp() > float(it.data["until"]):
            raise Failed(f"{len(said)} of {it.properties['count']} received", kind="WaitConditionTimeout")
        return False

    async def update(self, it: Work, changed: Mapping[str, Any]) -> None:
        it.data["until"] = str(clock.now().timestamp() + it.properties["timeout"])

    async def attribute(self, it: Work, name: str) -> Any:
        return json.dumps({id: entry.get("data") for id, entry in (await self._told(it)).items()})


class SwiftSignalHandle(WaitConditionHandle):
    """Where somebody says that something is done, by PUT to a URL that is the secret itself; it refers to that URL."""

    name = "OS::Heat::SwiftSignalHandle"
    properties = {}
    attributes = {
        name: each for name, each in WaitConditionHandle.attributes.items() if name in {"token", "endpoint", "curl_cli"}
    }

    def transport(self, it: Work) -> str:
        return "TEMP_URL_SIGNAL"

    async def create(self, it: Work) -> None:
        await super().create(it)
        it.physical_id = it.id

    def reference(self, it: Work) -> Any:
        return it.name if it.physical_id is None else it.signed_url()


class SwiftSignal(WaitCondition):
    """Waits until its handle was told so often that all is well."""

    name = "OS::Heat::SwiftSignal"
    properties = {
        **WaitCondition.properties,
        "handle": text("The URL that its handle refers to.", required=True),
        "count": whole("How often.", 1, 1000, default=1, changes=True),
    }

    def handle(self, it: Work) -> str:
        return urlsplit(str(it.properties["handle"])).path.rpartition("/")[2]


TYPES: tuple[ResourceType, ...] = (
    WaitConditionHandle(),
    UpdateWaitConditionHandle(),
    WaitCondition(),
    SwiftSignalHandle(),
    SwiftSignal(),
)
