"""Images: OS::Glance::WebImage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from boxship.core import errors
from boxship.core.http import urls
from boxship.services.orchestration.resources.declaring import flag, pairs, text, texts, whole
from boxship.services.orchestration.resources.interface import (
    Failed,
    ResourceType,
    RestResource,
    Work,
)

_PATCH = "application/openstack-images-v2.1-json-patch"
_OWN = {"id", "location", "active", "members", "extra_properties"}
"""Properties that are no fields of an image."""
_DISKS = ("ami", "ari", "aki", "vhd", "vhdx", "vmdk", "raw", "qcow2", "vdi", "iso", "ploop")
_CONTAINERS = ("ami", "ari", "aki", "bare", "ovf", "ova", "docker")
_LEGACY = {"ami", "ari", "aki"}


class WebImage(RestResource):
    """An image whose bytes are fetched from a URL, by the service and not by the client."""

    name = "OS::Glance::WebImage"
    since = "12.0.0"
    service, collection, key = "image", "/v2/images", ""
    properties = {
        "name": text("Its name."),
        "id": text("Its id, a UUID; one is made where none is said."),
        "min_disk": whole("GiB of disk that it needs.", 0, default=0),
        "min_ram": whole("MiB of memory that it needs.", 0, default=0),
        "protected": flag("Whether it cannot be deleted.", default=False, changes=True),
        "disk_format": text("The format of the disk.", required=True, among=_DISKS),
        "container_format": text(
            "What the disk is wrapped in; docker is an archive of ``docker save``.",
            required=True,
            among=_CONTAINERS,
        ),
        "location": text("The URL of the bytes, http or https.", required=True),
        "tags": texts("Tags.", changes=True),
        "architecture": text("The architecture of the processor.", changes=True),
        "kernel_id": text("The image of the kernel.", changes=True),
        "os_distro": text("The distribution in it.", changes=True),
        "os_version": text("The version of that.", changes=True),
        "owner": text("Whose it is; only admins give it to others.", changes=True),
        "extra_properties": pairs("Any other properties.", default={}, changes=True),
        "visibility": text(
            "Who sees it.", default="private", changes=True, among=("public", "private", "community", "shared")
        ),
        "ramdisk_id": text("The image of the RAM disk.", changes=True),
        "active": flag("Whether its bytes may be used; False deactivates it.", default=True, changes=True),
        "members": texts("The projects that a shared image is offered to.", changes=True),
    }

    def check_properties(self, properties: Mapping[str, Any]) -> str | None:
        location = properties.get("location")
        if isinstance(location, str) and (reason := urls.complaint(location)):
            return f"location: {location[:200]!r} {reason}."
        formats = properties.get("container_format"), properties.get("disk_format")
        if set(formats) & _LEGACY and formats[0] != formats[1]:
            return "Invalid mix of disk and container formats: of ami, ari and aki both have to be the same."
        visibility = properties.get("visibility")
        if properties.get("members") and isinstance(visibility, str) and visibility != "shared":
            return "members: only an image whose visibility is shared has members."
        return None

    async def create(self, it: Work) -> None:
        given = {name: value for name, value in it.properties.items() if value is not None and name not in _OWN}
        given = {**_extra(it.properties), **given}
        given.setdefault("name", it.physical_name)
        if it.properties["id"]:
            given["id"] = it.properties["id"]
        it.physical_id = (await it.ask("image", "POST", self.collection, given))["id"]
        wish = {"method": {"name": "web-download", "uri": it.properties["location"]}}
        await it.ask("image", "POST", f"{self.path(it)}/import", wish)
        await self._offer(it, [], it.properties["members"] or [])

    asks_write = True

    async def is_created(self, it: Work) -> bool:
        row = await self.shown(it)
        if row is None:
            raise Failed(f"The image {it.physical_id} is gone.")
        if row["status"] == "queued":
            raise Failed(row.get("os_glance_import_failure") or "The image has no bytes.")
        if row["status"] == "importing":
            return False
        await self._activate(it, row)
        return True

    async def _activate(self, it: Work, row: Mapping[str, Any]) -> None:
        """Make the bytes usable or not, where they are not so yet."""
        if (row["status"] == "active") != it.properties["active"]:
            verb = "reactivate" if it.properties["active"] else "deactivate"
            await it.ask("image", "POST", f"{self.path(it)}/actions/{verb}")

    async def update(self, it: Work, changed: Mapping[str, Any]) -> None:
        row = await self.shown(it)
        if row is None:
            raise errors.NotFound(f"The image {it.physical_id} could not be found.")
        wished = {name: value for name, value in changed.items() if name not in _OWN}
        if "extra_properties" in changed:
            extra = _extra(it.properties)
            wished |= dict.fromkeys(set(it.before.get("extra_properties") or {}) - set(extra)) | extra
        if "tags" in wished and wished["tags"] is None:
            wished["tags"] = []
        steps = [step for name, value in wished.items() if (step := _step(row, name, value))]
        if steps:
            await it.ask("image", "PATCH", self.path(it), steps, media=_PATCH)
        if "members" in changed:
            await self._offer(it, it.before.get("members") or [], it.properties["members"] or [])

    async def _offer(self, it: Work, old: list[str], new: list[str]) -> None:
        for project in old:
            if project not in new:
                await it.ask("image", "DELETE", f"{self.path(it)}/members/{project}")
        for project in new:
            if project not in old:
                await it.ask("image", "POST", f"{self.path(it)}/members", {"member": project})

    async def check(self, it: Work) -> None:
        row = await self.shown(it)
        if row is None or row["status"] not in {"active", "deactivated"}:
            raise Failed(f"The image is {row['status'] if row else 'gone'}.")

    async def shown(self, it: Work) -> Any:
        return None if it.physical_id is None else await it.has("image", self.path(it))


def _extra(properties: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in (properties["extra_properties"] or {}).items()}


def _step(row: Mapping[str, Any], name: str, value: Any) -> dict[str, Any] | None:
    """The change of a JSON patch that gives a field this value; None: it has it."""
    path = f"/{name.replace('~', '~0').replace('/', '~1')}"
    if value is None:
        return {"op": "remove", "path": path} if name in row else None
    return {"op": "replace" if name in row else "add", "path": path, "value": value}


TYPES: tuple[ResourceType, ...] = (WebImage(),)
