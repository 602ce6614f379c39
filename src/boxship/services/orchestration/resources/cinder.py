"""Volumes: OS::Cinder::Volume, VolumeAttachment, VolumeType, Quota."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from boxship.core import errors
from boxship.services.orchestration.resources.declaring import flag, pairs, text, texts, whole
from boxship.services.orchestration.resources.interface import (
    Attribute,
    Failed,
    Kind,
    Replace,
    ResourceType,
    RestResource,
    Work,
)

_VERSION = "3.44"
_SOURCES = ("snapshot_id", "image", "source_volid", "backup_id")


class Volume(RestResource):
    """A volume; its snapshots in those of a stack are backups, as upstream has it."""

    name = "OS::Cinder::Volume"
    service, collection, key = "block-storage", "/volumes", "volume"
    version = _VERSION
    ready = frozenset({"AVAILABLE", "IN-USE"})
    failed = frozenset({"ERROR", "ERROR_RESTORING", "ERROR_EXTENDING", "ERROR_DELETING"})
    properties = {
        "availability_zone": text("Where it is."),
        "size": whole("GiB; that of what it is made from where none is said.", 1, changes=True),
        "snapshot_id": text("The snapshot it is made from.", finds="volume_snapshot"),
        "backup_id": text("The backup that is restored to it.", changes=True, finds="volume_backup"),
        "name": text("Its name.", changes=True),
        "description": text("What it is for.", changes=True),
        "volume_type": text("Its type.", finds="volume_type"),
        "metadata": pairs("Metadata.", default={}, changes=True),
        "image": text("The image it is made from.", finds="image"),
        "source_volid": text("The volume it is a copy of.", finds="volume"),
        "scheduler_hints": pairs("Hints for its placement."),
        "read_only": flag("Whether it can only be read.", changes=True),
        "multiattach": flag("Whether several may have it at once; types say so as well.", default=False, hidden=True),
    }
    attributes = {
        **{
            name: Attribute(f"Its {name.replace('_', ' ')}.")
            for name in (
                "availability_zone",
                "size",
                "snapshot_id",
                "display_name",
                "display_description",
                "volume_type",
                "metadata",
                "source_volid",
                "status",
                "created_at",
                "bootable",
                "encrypted",
                "attachments",
            )
        },
        "metadata_values": Attribute("Its metadata.", Kind.MAP),
        "attachments_list": Attribute("Who has it.", Kind.LIST),
        "multiattach": Attribute("Whether several may have it.", Kind.BOOLEAN),
    }

    def check_properties(self, properties: Mapping[str, Any]) -> str | None:
        given = [name for name in _SOURCES if properties.get(name) is not None]
        if len(given) > 1:
            return f"Cannot define the following properties at the same time: {', '.join(given)}."
        if properties.get("size") is None and not set(given) & {"snapshot_id", "source_volid", "backup_id"}:
            return "If neither backup_id nor snapshot_id nor source_volid is given, size has to be."
        return None

    def body(self, it: Work) -> dict[str, Any]:
        made = super().body(it)
        for name in ("backup_id", "read_only", "scheduler_hints"):
            made.pop(name, None)
        if not made.get("multiattach"):
            made.pop("multiattach", None)
        if "image" in made:
            made["imageRef"] = made.pop("image")
        made["metadata"] = {key: str(value) for key, value in made.get("metadata", {}).items()}
        return made

    async def create(self, it: Work) -> None:
        if it.properties["backup_id"]:
            path = f"/backups/{it.properties['backup_id']}/restore"
            wanted = {"restore": {"name": it.properties["name"] or it.physical_name}}
            it.physical_id = (await it.ask(self.service, "POST", path, wanted))["restore"]["volume_id"]
            return
        await super().create(it)

    async def is_created(self, it: Work) -> bool:
        if not await super().is_created(it):
            return False
        if it.properties["backup_id"] and it.properties["size"] and await self._grow(it, it.properties["size"]):
            return False
        if it.properties["read_only"] is not None and it.action == "CREATE":
            await self._act(it, {"os-update_readonly_flag": {"readonly": it.properties["read_only"]}})
        return True

    asks_write = True

    async def _act(self, it: Work, body: dict[str, Any]) -> None:
        await it.ask(self.service, "POST", f"{self.path(it)}/action", body, version=_VERSION)

    async def update(self, it: Work, changed: Mapping[str, Any]) -> None:
        fields = {name: value for name, value in changed.items() if name in {"name", "description"}}
        if "name" in fields and fields["name"] is None:
            fields["name"] = it.physical_name
        if "metadata" in changed:
            fields["metadata"] = {key: str(value) for key, value in (changed["metadata"] or {}).items()}
        if fields:
            await it.ask(self.service, "PUT", self.path(it), {"volume": fields}, version=_VERSION)
        if changed.get("size") is not None:
            await self._grow(it, changed["size"])
        if changed.get("read_only") is not None:
            await self._act(it, {"os-update_readonly_flag": {"readonly": changed["read_only"]}})
        if changed.get("backup_id"):
            row = await self.shown(it)
            if row is not None and row["status"] == "in-use":
                raise Replace("What uses the volume goes on with it until there is another one.")
            path = f"/backups/{changed['backup_id']}/restore"
            await it.ask(self.service, "POST", path, {"restore": {"volume_id": it.physical_id}})

    async def _grow(self, it: Work, size: int) -> bool:
        """Whether it has to grow, which is begun."""
        row = await self.shown(it)
        if row is not None and size < row["size"]:
            raise errors.BadRequest(f"Shrinking volume is not supported: it has {row['size']} GiB.")
        grows = row is not None and size > row["size"]
        if grows:
            await self._act(it, {"os-extend": {"new_size": size}})
        return grows

    async def delete(self, it: Work) -> None:
        if it.physical_id is None:
            return
        if it.data.get("deletion_policy") == "Snapshot" and "last_backup" not in it.data:
            it.data["last_backup"] = await self._back_up(it)
            return
        await super().delete(it)

    async def is_deleted(self, it: Work) -> bool:
        if "last_backup" in it.data and it.data.get("removing") != "true":
            if not await self._is_backed_up(it, it.data["last_backup"]):
                return False
            await super().delete(it)
            it.data["removing"] = "true"
        return await super().is_deleted(it)

    async def _back_up(self, it: Work) -> str:
        wanted = {"backup": {"volume_id": it.physical_id, "name": it.physical_name, "force": True}}
        return str((await it.ask(self.service, "POST", "/backups", wanted))["backup"]["id"])

    async def _is_backed_up(self, it: Work, id: str) -> bool:
        row = (await it.ask(self.service, "GET", f"/backups/{id}"))["backup"]
        if row["status"] == "error":
            raise Failed(f'The backup went to status error due to "{row.get("fail_reason") or "Unknown"}"')
        return bool(row["status"] == "available")

    async def snapshot(self, it: Work) -> dict[str, Any]:
        return {"backup_id": await self._back_up(it)}

    async def is_snapshot(self, it: Work, kept: Mapping[str, Any]) -> bool:
        return await self._is_backed_up(it, kept["backup_id"])

    async def forget_snapshot(self, it: Work, kept: Mapping[str, Any]) -> None:
        await it.ask(self.service, "DELETE", f"/backups/{kept['backup_id']}")

    def restored(self, properties: Mapping[str, Any], kept: Mapping[str, Any]) -> dict[str, Any]:
        rest = {name: value for name, value in properties.items() if name not in _SOURCES}
        return {**rest, "backup_id": kept["backup_id"]}

    async def attribute(self, it: Work, name: str) -> Any:
        row = await self.shown(it)
        if row is None:
            raise errors.NotFound(f"The volume {it.physical_id} could not be found.")
        if name in {"metadata", "attachments"}:
            return json.dumps(row[name])
        field = {
            "display_name": "name",
            "display_description": "description",
            "metadata_values": "metadata",
            "attachments_list": "attachments",
        }
        return row.get(field.get(name, name))


class VolumeAttachment(ResourceType):
    """A volume that somebody has, who is known by an id."""

    name = "OS::Cinder::VolumeAttachment"
    properties = {
        "instance_uuid": text("Who has it.", required=True, changes=True),
        "volume_id": text("The volume.", required=True, changes=True, finds="volume"),
        "mountpoint": text("Where it is there.", changes=True),
    }

    async def create(self, it: Work) -> None:
        wanted = it.properties
        body = {"attachment": {"instance_uuid": wanted["instance_uuid"], "volume_uuid": wanted["volume_id"]}}
        made = await it.ask("block-storage", "POST", "/attachments", body, version=_VERSION)
        it.physical_id = made["attachment"]["id"]

    async def update(self, it: Work, changed: Mapping[str, Any]) -> None:
        await self.delete(it)
        await self.create(it)

    async def delete(self, it: Work) -> None:
        if it.physical_id is not None:
            await it.ask("block-storage", "DELETE", f"/attachments/{it.physical_id}", version=_VERSION)

    async def check(self, it: Work) -> None:
        await it.ask("block-storage", "GET", f"/attachments/{it.physical_id}", version=_VERSION)


class VolumeType(RestResource):
    """A type of volumes; for admins."""

    name = "OS::Cinder::VolumeType"
    since = "2015.1"
    admin = True
    service, collection, key = "block-storage", "/types", "volume_type"
    properties = {
        "name": text("Its name.", required=True, changes=True),
        "metadata": pairs("Its extra specs.", changes=True),
        "is_public": flag("Whether all projects may use it.", default=True, changes=True),
        "description": text("What it is for.", changes=True),
        "projects": texts("The projects that may use it.", default=[], changes=True, finds="project"),
    }

    def check_properties(self, properties: Mapping[str, Any]) -> str | None:
        if properties.get("is_public") is True and properties.get("projects"):
            return "Can not specify property projects if the volume type is public."
        return None

    async def create(self, it: Work) -> None:
        wanted = it.properties
        fields = {"name": wanted["name"], "description": wanted["description"]}
        access = {"os-volume-type-access:is_public": wanted["is_public"]}
        made = await it.ask(self.service, "POST", self.collection, {self.key: {**fields, **access}})
        it.physical_id = made[self.key]["id"]
        await self._specify(it, {}, wanted["metadata"] or {})
        await self._share(it, [], wanted["projects"])

    async def _specify(self, it: Work, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        if new:
            specs = {key: str(value) for key, value in new.items()}
            await it.ask(self.service, "POST", f"{self.path(it)}/extra_specs", {"extra_specs": specs})
        for key in old:
            if key not in new:
                await it.ask(self.service, "DELETE", f"{self.path(it)}/extra_specs/{key}")

    async def _share(self, it: Work, old: list[str], new: list[str]) -> None:
        for verb, ids in (("addProjectAccess", set(new) - set(old)), ("removeProjectAccess", set(old) - set(new))):
            for id in sorted(ids):
                await it.ask(self.service, "POST", f"{self.path(it)}/action", {verb: {"project": id}})

    async def update(self, it: Work, changed: Mapping[str, Any]) -> None:
        fields = {name: value for name, value in changed.items() if name in {"name", "description", "is_public"}}
        if fields:
            await it.ask(self.service, "PUT", self.path(it), {self.key: fields})
        if "metadata" in changed:
            await self._specify(it, it.before["metadata"] or {}, changed["metadata"] or {})
        if "projects" in changed:
            await self._share(it, it.before["projects"], it.properties["projects"])


class Quota(ResourceType):
    """How much storage a project may have; for admins."""

    name = "OS::Cinder::Quota"
    since = "7.0.0"
    admin = True
    properties = {
        "project": text("The project.", required=True, finds="project"),
        **{
            name: whole(f"How many {name.replace('_', ' ')}; -1 for any number.", -1, changes=True)
            for name in ("gigabytes", "volumes", "backups", "backup_gigabytes", "snapshots")
        },
    }

    def check_properties(self, properties: Mapping[str, Any]) -> str | None:
        if all(value is None for name, value in properties.items() if name != "project"):
            return "At least one of the quotas must be given."
        return None

    async def _put(self, it: Work, given: Mapping[str, Any]) -> None:
        wanted = {name: value for name, value in given.items() if name != "project" and value is not None}
        await it.ask("block-storage", "PUT", f"/os-quota-sets/{it.properties['project']}", {"quota_set": wanted})

    async def create(self, it: Work) -> None:
        await self._put(it, it.properties)
        it.physical_id = it.physical_name

    async def update(self, it: Work, changed: Mapping[str, Any]) -> None:
        await self._put(it, changed)

    async def delete(self, it: Work) -> None:
        await it.ask("block-storage", "DELETE", f"/os-quota-sets/{it.properties['project']}")


TYPES: tuple[ResourceType, ...] = (Volume(), VolumeAttachment(), VolumeType(), Quota())
