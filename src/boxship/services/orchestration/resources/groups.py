"""Groups of resources, each a nested stack: OS::Heat::ResourceGroup, ResourceChain, Stack."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from boxship.core import errors
from boxship.services.orchestration.resources import membership
from boxship.services.orchestration.resources.declaring import flag, pairs, row, rows, text, whole
from boxship.services.orchestration.resources.interface import Attribute, Child, ChildSight, Kind, Property, Work
from boxship.services.orchestration.resources.nested import NestedStack
from boxship.services.orchestration.template import parsing, reading
from boxship.services.orchestration.template.constraints import Length, Range
from boxship.services.orchestration.template.errors import Invalid, StackValidationFailed

_VERSION = "2015-04-30"
_REMOVED = "removed"
_WAITS = "batch_at"


def template(members: membership.Members) -> dict[str, Any]:
    """The template of a nested stack with these members."""
    return {"heat_template_version": _VERSION, "resources": {name: dict(each) for name, each in members.items()}}


class Group(NestedStack):
    """A nested stack of members that are alike, changed in batches where the policy says so."""

    asks_write = True

    async def members(self, it: Work) -> membership.Members:
        """The members that are wanted."""
        raise NotImplementedError

    def surge(self, it: Work, name: str) -> membership.Definition:
        """A member that is there for the time of a change only."""
        raise NotImplementedError

    def rolling(self, it: Work) -> Mapping[str, Any] | None:
        """max_batch_size, min_in_service and pause_time of a change; None: all at once."""
        return None

    async def create(self, it: Work) -> None:
        wanted = await self.members(it)
        batch = (it.update_policy or {}).get("batch_create")
        first = dict(wanted)
        if batch:
            first = dict(list(wanted.items())[: int(batch.get("max_batch_size", 1))])
            it.data["batch_create"] = json.dumps(dict(batch))
        it.physical_id = await it.children.create(it, Child(template(first)))

    async def is_created(self, it: Work) -> bool:
        batch = json.loads(it.data.get("batch_create", "null"))
        return await self._is_whole(it, {"min_in_service": 0, **batch} if batch else None)

    async def update(self, it: Work, changed: Mapping[str, Any]) -> None:
        it.data.pop("batch_create", None)
        it.data.pop(_WAITS, None)
        rolling = self.rolling(it)
        it.data["rolling"] = json.dumps(dict(rolling)) if rolling else ""
        await self._step(it, rolling)

    async def is_updated(self, it: Work) -> bool:
        return await self._is_whole(it, json.loads(it.data.get("rolling") or "null"))

    async def _is_whole(self, it: Work, batch: Mapping[str, Any] | None) -> bool:
        """Whether all members are as they are to be; the next batch is begun where the one before is done."""
        if not await self._is_over(it):
            return False
        if (await it.children.template(it))["resources"] == template(await self.members(it))["resources"]:
            return True
        pause = float((batch or {}).get("pause_time", 0))
        if pause and _WAITS not in it.data:
            it.data[_WAITS] = str(time.time() + pause)
        if time.time() < float(it.data.get(_WAITS, 0)):
            return False
        it.data.pop(_WAITS, None)
        await self._step(it, batch)
        return False

    async def _step(self, it: Work, batch: Mapping[str, Any] | None) -> None:
        target = await self.members(it)
        following = target
        if batch:
            following = membership.next_step(
                (await it.children.template(it))["resources"],
                template(target)["resources"],
                most=int(batch.get("max_batch_size", 1)),
                least=int(batch.get("min_in_service", 0)),
                surge=lambda name: dict(self.surge(it, name)),
            )
        await it.children.update(it, Child(template(following)))

    async def attribute(self, it: Work, name: str) -> Any:
        return await self.attribute_at(it, name, ())

    async def attribute_at(self, it: Work, name: str, path: Sequence[Any]) -> Any:
        """Of the group; of one member (``resource.NAME`` or ``resource.NAME.ATTRIBUTE``); or of all members, as a list."""
        sight = await it.children.sight(it, outputs=True)
        if sight is None:
            raise errors.NotFound(f"The nested stack of {it.name} is gone.")
        if name == "removed_rsrc_list":
            return json.loads(it.data.get(_REMOVED, "[]"))
        if name.startswith("resource."):
            return await self._of_member(it, sight, name.removeprefix("resource."), path)
        order = [each for each in (await it.children.template(it))["resources"] if each in sight.resources]
        references = {each: sight.resources[each]["reference"] for each in order}
        if name in {"refs", "refs_map"}:
            return references if name == "refs_map" else list(references.values())
        wanted = str(path[0]) if path and name in {"attributes", "outputs", "outputs_list"} else name
        found = {each: await it.children.attribute(it, each, wanted) for each in order}
        if name in {"attributes", "outputs"}:
            return {wanted: found} if path else {}
        return {wanted: list(found.values())} if name == "outputs_list" else list(found.values())

    async def _of_member(self, it: Work, sight: ChildSight, member: str, path: Sequence[Any]) -> Any:
        name, _, attribute = member.partition(".")
        if name not in sight.resources:
            raise errors.NotFound(f"There is no member {name} in {it.name}.")
        if attribute:
            return await it.children.attribute(it, name, attribute)
        if path and isinstance(path[0], str):
            return {path[0]: await it.children.attribute(it, name, path[0])}
        return sight.resources[name]["reference"]


class ResourceGroup(Group):
    """So many resources of the same definition."""

    name = "OS::Heat::ResourceGroup"
    properties = {
        "count": whole("How many.", 0, membership.MOST, default=1, changes=True),
        "index_var": Property(
            Kind.STRING,
            "What stands for the name of the member in its properties.",
            default="%index%",
            constraints=(Length(3),),
        ),
        "resource_def": row(
            "What each is.",
            {
                "type": text("The type.", required=True),
                "properties": pairs("Properties."),
                "metadata": pairs("Metadata."),
            },
            required=True,
            changes=True,
        ),
        "removal_policies": rows(
            "Members that are to go first, by name or reference.",
            {"resource_list": Property(Kind.LIST, "The members.", default=[])},
            default=[],
            changes=True,
        ),
        "removal_policies_mode": text(
            "Whether the list adds to what was removed before, or takes its place.",
            default="append",
            changes=True,
            among=("append", "update"),
        ),
    }
    attributes = {
        "refs": Attribute("The references of the members.", Kind.LIST),
        "refs_map": Attribute("The references by name.", Kind.MAP),
        "attributes": Attribute("One attribute of all members by name.", Kind.MAP),
        "removed_rsrc_list": Attribute("The members that were removed for good.", Kind.LIST),
    }

    async def members(self, it: Work) -> membership.Members:
        """One of each number that was not removed for good."""
        removed = json.loads(it.data.get(_REMOVED, "[]"))
        count = it.properties["count"]
        return {name: self._definition(it, name) for name in membership.names(count, removed)}

    def _definition(self, it: Work, name: str) -> dict[str, Any]:
        return _member(it.properties, name)

    def preview(self, properties: Mapping[str, Any], files: Mapping[str, str]) -> Child:
        """The members, of which none was removed yet."""
        names = membership.names(properties["count"] or 0, ())
        return Child(template({name: _member(properties, name) for name in names}), {}, files)

    def surge(self, it: Work, name: str) -> membership.Definition:
        return self._definition(it, name)

    def rolling(self, it: Work) -> Mapping[str, Any] | None:
        """As the update policy says."""
        found = (it.update_policy or {}).get("rolling_update")
        return dict(found) if found else None

    async def create(self, it: Work) -> None:
        _require_policy(it, {"rolling_update", "batch_create"})
        await super().create(it)

    async def update(self, it: Work, changed: Mapping[str, Any]) -> None:
        _require_policy(it, {"rolling_update", "batch_create"})
        await self._remove(it)
        await super().update(it, changed)

    async def _remove(self, it: Work) -> None:
        """Note the members that the policies want to go."""
        listed = [
            str(name)
            for policy in it.properties["removal_policies"] or []
            for name in policy.get("resource_list") or []
        ]
        known = [] if it.properties["removal_policies_mode"] == "update" else json.loads(it.data.get(_REMOVED, "[]"))
        if not listed and not known:
            it.data[_REMOVED] = "[]"
            return
        sight = await it.children.sight(it, outputs=True)
        rows_ = sight.resources if sight else {}
        by_reference = {str(entry["reference"]): name for name, entry in rows_.items()}
        by_reference |= {str(entry["physical_id"]): name for name, entry in rows_.items()}
        gone = [
            by_reference.get(each, each) for each in listed if each in rows_ or each in by_reference or each in known
        ]
        it.data[_REMOVED] = json.dumps(list(dict.fromkeys([*known, *gone])))


def _member(properties: Mapping[str, Any], name: str) -> dict[str, Any]:
    wanted = {key: value for key, value in properties["resource_def"].items() if value is not None}
    return dict(membership.substituted(wanted, properties["index_var"], name))


def _require_policy(it: Work, known: set[str]) -> None:
    unknown = set(it.update_policy or {}) - known
    if unknown:
        raise StackValidationFailed(
            f"Unknown Property {sorted(unknown)[0]}", field=f"resources.{it.name}.update_policy"
        )


class ResourceChain(Group):
    """Resources one after the other, of several types with the same properties."""

    name = "OS::Heat::ResourceChain"
    since = "6.0.0"
    properties = {
        "resources": Property(Kind.LIST, "The types, in order.", required=True, update_allowed=True),
        "concurrent": flag("Whether they are made side by side.", default=False),
        "resource_properties": pairs("Properties of all of them."),
    }
    attributes = {
        "refs": Attribute("The references of the members.", Kind.LIST),
        "attributes": Attribute("One attribute of all members by name.", Kind.MAP),
    }

    async def members(self, it: Work) -> membership.Members:
        """One of each type, each after the one before it."""
        made: dict[str, dict[str, Any]] = {}
        for at, kind in enumerate(it.properties["resources"]):
            made[str(at)] = {"type": str(kind), "properties": it.properties["resource_properties"] or {}}
            if at and not it.properties["concurrent"]:
                made[str(at)]["depends_on"] = str(at - 1)
        return made


class Stack(NestedStack):
    """A stack in a stack, of a template that is given as text."""

    name = "OS::Heat::Stack"
    properties = {
        "context": row(
            "Where it is made; only this region here.",
            {
                "region_name": text("The region."),
                "credential_secret_id": text("Credentials of another cloud; not offered."),
                "ca_cert": text("Who vouches for another cloud; not offered."),
                "insecure": flag("Whether nobody has to; not offered.", default=False),
            },
            changes=True,
        ),
        "template": text("The template.", required=True, changes=True),
        "timeout": Property(Kind.INTEGER, "Minutes.", update_allowed=True, constraints=(Range(1),)),
        "parameters": pairs("Parameters.", default={}, changes=True),
    }
    attributes = {"stack_name": Attribute("Its name."), "outputs": Attribute("Its outputs.", Kind.MAP)}

    def check_properties(self, properties: Mapping[str, Any]) -> str | None:
        context = properties.get("context")
        elsewhere = context if isinstance(context, dict) else {}
        if elsewhere.get("credential_secret_id") or elsewhere.get("ca_cert"):
            return "context: stacks in other clouds are not offered."
        return None

    def check_region(self, properties: Mapping[str, Any], region: str) -> None:
        source, context = properties.get("template"), properties.get("context")
        asked = str((context.get("region_name") if isinstance(context, dict) else None) or region)[:100]
        if asked != region:
            raise StackValidationFailed(
                f'Cannot establish connection to Heat endpoint at region "{asked}" due to "publicURL endpoint for '
                f'orchestration service in {asked} region not found"'
            )
        if not isinstance(source, str):
            return
        try:
            reading.read(parsing.parse(source, limit=len(source.encode()) + 1))
        except Invalid as error:
            raise StackValidationFailed(
                f'Failed validating stack template using Heat endpoint at region "{region}" due to "ERROR: {error.sentence}"'
            ) from error

    def child(self, it: Work) -> Child:
        """The template that the properties hold."""
        source = it.properties["template"]
        document = parsing.parse(source, limit=len(source.encode()) + 1)
        return Child(document, parameters=it.properties["parameters"] or {}, timeout=it.properties["timeout"])

    async def attribute(self, it: Work, name: str) -> Any:
        sight = await it.children.sight(it, outputs=True)
        if sight is None:
            raise errors.NotFound(f"The nested stack of {it.name} is gone.")
        return sight.name if name == "stack_name" else dict(sight.outputs)


TYPES = (ResourceGroup(), ResourceChain(), Stack())
