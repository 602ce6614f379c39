"""Shares: OS::Manila::Share, OS::Manila::ShareType."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from boxship.services.orchestration.resources.declaring import flag, pairs, rows, text, whole
from boxship.services.orchestration.resources.interface import Attribute, Kind, ResourceType, RestResource, Work

_VERSION = "2.65"
_SERVICE = "shared-file-system"


class Share(RestResource):
    """A share with the rules who may mount it."""

    name = "OS::Manila::Share"
    since = "5.0.0"
    service, collection, key = _SERVICE, "/shares", "share"
    version = _VERSION
    ready = frozenset({"AVAILABLE"})
    failed = frozenset({"ERROR", "ERROR_DELETING"})
    properties = {
        "share_protocol": text(
            "How it is mounted.", required=True, among=("NFS", "CIFS", "GlusterFS", "HDFS", "CEPHFS")
        ),
        "size": whole("GiB.", 1, required=True),
        "snapshot": text("The snapshot it is made from.", finds="share_snapshot"),
        "name": text("Its name.", changes=True),
        "metadata": pairs("Metadata.", changes=True),
        "description": text("What it is for.", changes=True),
        "share_type": text("Its type.", finds="share_type"),
        "is_public": flag("Whether all projects see it; admins only.", default=False, changes=True),
        "access_rules": rows(
            "Who may mount it.",
            {
                "access_to": text("The address or range.", required=True),
                "access_type": text("What that is.", required=True, among=("ip", "user", "cert", "cephx")),
                "access_level": text("Read or write.", among=("ro", "rw")),
            },
            default=[],
            changes=True,
        ),
    }
    attributes = {
        **{
            name: Attribute(f"Its {name.replace('_', ' ')}.")
            for name in ("availability_zone", "host", "share_server_id", "created_at", "status", "project_id")
        },
        "export_locations": Attribute("Where it can be mounted from.", Kind.LIST),
    }

    def body(self, it: Work) -> dict[str, Any]:
        made = super().body(it)
        made.pop("access_rules", None)
        made["share_proto"] = made.pop("share_protocol")
        if "snapshot" in made:
            made["snapshot_id"] = made.pop("snapshot")
        return made

    asks_write = True

    async def is_created(self, it: Work) -> bool:
        if not await super().is_created(it):
            return False
        if "allowed" not in it.data:
            for rule in it.properties["access_rules"]:
                await self._allow(it, rule)
            it.data["allowed"] = "true"
        rules = await self._rules(it)
        return all(rule["state"] == "active" for rule in rules)

    async def is_updated(self, it: Work) -> bool:
        return all(rule["state"] == "active" for rule in await self._rules(it))

    async def _rules(self, it: Work) -> list[dict[str, Any]]:
        path = f"/share-access-rules?share_id={it.physical_id}"
        return list((await it.ask(_SERVICE, "GET", path, version=_VERSION))["access_list"])

    async def _allow(self, it: Work, rule: Mapping[str, Any]) -> None:
        given = {name: value for name, value in rule.items() if value is not None}
        await it.ask(_SERVICE, "POST", f"{self.path(it)}/action", {"allow_access": given}, version=_VERSION)

    async def update(self, it: Work, changed: Mapping[str, Any]) -> None:
        names = {"name": "display_name", "description": "display_description", "is_public": "is_public"}
        fields = {names[name]: value for name, value in changed.items() if name in names and value is not None}
        if fields:
            await it.ask(_SERVICE, "PUT", self.path(it), {"share": fields}, version=_VERSION)
        if "metadata" in changed:
            wanted = {"metadata": {key: str(value) for key, value in (changed["metadata"] or {}).items()}}
            await it.ask(_SERVICE, "PUT", f"{self.path(it)}/metadata", wanted, version=_VERSION)
        if "access_rules" in changed:
            await self._admit(it)

    async def _admit(self, it: Work) -> None:
        """Deny whom no rule names any more, then allow whom one does."""
        wanted = [
            (rule["access_type"], rule["access_to"], rule["access_level"] or "rw")
            for rule in it.properties["access_rules"]
        ]
        there = {(rule["access_type"], rule["access_to"], rule["access_level"]): rule for rule in await self._rules(it)}
        for key, rule in there.items():
            if key not in wanted:
                body = {"deny_access": {"access_id": rule["id"]}}
                await it.ask(_SERVICE, "POST", f"{self.path(it)}/action", body, version=_VERSION)
        for kind, to, level in wanted:
            if (kind, to, level) not in there:
                await self._allow(it, {"access_type": kind, "access_to": to, "access_level": level})

    async def attribute(self, it: Work, name: str) -> Any:
        if name != "export_locations":
            return await super().attribute(it, name)
        path = f"{self.path(it)}/export_locations"
        return (await it.ask(_SERVICE, "GET", path, version=_VERSION))["export_locations"]


class ShareType(RestResource):
    """A type of shares; for admins."""

    name = "OS::Manila::ShareType"
    since = "5.0.0"
    admin = True
    service, collection, key = _SERVICE, "/types", "share_type"
    version = _VERSION
    properties = {
        "name": text("Its name.", required=True),
        "is_public": flag("Whether all projects may use it.", default=True),
        "driver_handles_share_servers": flag("Whether servers are made for shares; none are here.", required=True),
        "extra_specs": pairs("Its extra specs.", changes=True),
        "snapshot_support": flag("Whether snapshots can be taken.", default=True),
    }

    async def create(self, it: Work) -> None:
        wanted = it.properties
        specs = {
            "driver_handles_share_servers": str(wanted["driver_handles_share_servers"]),
            "snapshot_support": str(wanted["snapshot_support"]),
            **{key: str(value) for key, value in (wanted["extra_specs"] or {}).items()},
        }
        fields = {"name": wanted["name"], "share_type_access:is_public": wanted["is_public"], "extra_specs": specs}
        made = await it.ask(_SERVICE, "POST", self.collection, {self.key: fields}, version=_VERSION)
        it.physical_id = made[self.key]["id"]

    async def update(self, it: Work, changed: Mapping[str, Any]) -> None:
        new, old = changed.get("extra_specs") or {}, it.before.get("extra_specs") or {}
        if new:
            specs = {key: str(value) for key, value in new.items()}
            await it.ask(_SERVICE, "POST", f"{self.path(it)}/extra_specs", {"extra_specs": specs}, version=_VERSION)
        for key in set(old) - set(new):
            await it.ask(_SERVICE, "DELETE", f"{self.path(it)}/extra_specs/{key}", version=_VERSION)


TYPES: tuple[ResourceType, ...] = (Share(), ShareType())
