"""Groups that grow and shrink when they are told to: OS::Heat::AutoScalingGroup, OS::Heat::ScalingPolicy."""

from __future__ import annotations

import json
import secrets
import string
import time
from collections.abc import Mapping, Sequence
from typing import Any

from boxship.core import errors
from boxship.services.orchestration.resources import membership
from boxship.services.orchestration.resources.declaring import pairs, row, text, whole
from boxship.services.orchestration.resources.groups import Group
from boxship.services.orchestration.resources.interface import Attribute, Kind, Property, ResourceType, Work
from boxship.services.orchestration.template.constraints import Range

_MEMBERS, _COOL = "members", "cooldown_until"
_BATCH = {"min_in_service": 0, "max_batch_size": 1, "pause_time": 0}


class AutoScalingGroup(Group):
    """Resources of one definition, whose number signals change."""

    name = "OS::Heat::AutoScalingGroup"
    properties = {
        "resource": pairs("What each is, as in a template.", required=True, changes=True),
        "max_size": whole("At most so many.", 0, membership.MOST, required=True, changes=True),
        "min_size": whole("At least so many.", 0, required=True, changes=True),
        "cooldown": whole("Seconds after a change in which no signal makes another.", changes=True),
        "desired_capacity": whole("How many there are at first, and after each update that says so.", changes=True),
        "rolling_updates": row(
            "How a change of the definition goes.",
            {
                "min_in_service": whole("So many are left in peace.", 0, default=0),
                "max_batch_size": whole("At most so many at once.", 1, default=1),
                "pause_time": Property(Kind.NUMBER, "Seconds between batches.", default=0, constraints=(Range(0),)),
            },
            default=_BATCH,
            changes=True,
        ),
    }
    attributes = {
        "outputs": Attribute("One attribute of all members by name.", Kind.MAP),
        "outputs_list": Attribute("One attribute of all members.", Kind.LIST),
        "current_size": Attribute("How many there are.", Kind.INTEGER),
        "refs": Attribute("The references of the members.", Kind.LIST),
        "refs_map": Attribute("The references by name.", Kind.MAP),
    }

    def check_properties(self, properties: Mapping[str, Any]) -> str | None:
        least, most, wanted = (properties.get(name) for name in ("min_size", "max_size", "desired_capacity"))
        if isinstance(least, int) and isinstance(most, int):
            if least > most:
                return "MinSize can not be greater than MaxSize"
            if isinstance(wanted, int) and not least <= wanted <= most:
                return "DesiredCapacity must be between MinSize and MaxSize"
        return None

    async def members(self, it: Work) -> membership.Members:
        return {name: dict(it.properties["resource"]) for name in json.loads(it.data.get(_MEMBERS, "[]"))}

    def surge(self, it: Work, name: str) -> membership.Definition:
        return dict(it.properties["resource"])

    def rolling(self, it: Work) -> Mapping[str, Any] | None:
        """In batches where members are changed, which is not so where only their number is."""
        return (
            dict(it.properties["rolling_updates"] or _BATCH)
            if it.before.get("resource") != it.properties["resource"]
            else None
        )

    def _resize(self, it: Work, size: int) -> None:
        size = max(it.properties["min_size"], min(it.properties["max_size"], size))
        members = membership.resized(json.loads(it.data.get(_MEMBERS, "[]")), size, _name)
        it.data[_MEMBERS] = json.dumps(members)

    async def create(self, it: Work) -> None:
        wanted = it.properties["desired_capacity"]
        self._resize(it, it.properties["min_size"] if wanted is None else wanted)
        await super().create(it)

    async def update(self, it: Work, changed: Mapping[str, Any]) -> None:
        size = len(json.loads(it.data.get(_MEMBERS, "[]")))
        wanted = changed.get("desired_capacity")
        self._resize(it, size if wanted is None else wanted)
        await super().update(it, changed)

    async def adjust(self, it: Work, kind: str, by: float, *, cooldown: float | None, step: int | None) -> str:
        """Change the number of members because a policy says so; the sentence for the event. Conflict: too early after the last
        change."""
        if time.time() < float(it.data.get(_COOL, 0)):
            raise errors.Conflict("No action taken: the group is cooling down after its last change.")
        size = len(json.loads(it.data.get(_MEMBERS, "[]")))
        wanted = membership.adjusted(
            size, kind, by, least=it.properties["min_size"], most=it.properties["max_size"], step=step
        )
        if wanted == size:
            return f"The group has {size} members already."
        self._resize(it, wanted)
        pause = it.properties["cooldown"] if cooldown is None else cooldown
        it.data[_COOL] = str(time.time() + (pause or 0))
        await self._step(it, None)
        return f"{kind} : {by}"

    async def attribute_at(self, it: Work, name: str, path: Sequence[Any]) -> Any:
        if name == "current_size":
            return len(json.loads(it.data.get(_MEMBERS, "[]")))
        return await super().attribute_at(it, name, path)


def _name() -> str:
    return secrets.choice(string.ascii_lowercase) + "".join(
        secrets.choice(string.ascii_lowercase + string.digits) for _ in range(11)
    )


class ScalingPolicy(ResourceType):
    """How a group changes when a signal comes."""

    name = "OS::Heat::ScalingPolicy"
    properties = {
        "auto_scaling_group_id": text("The group.", required=True),
        "scaling_adjustment": Property(Kind.NUMBER, "By how much.", required=True, update_allowed=True),
        "adjustment_type": text(
            "What the number means.",
            required=True,
            changes=True,
            among=("change_in_capacity", "exact_capacity", "percent_change_in_capacity"),
        ),
        "cooldown": Property(
            Kind.NUMBER, "Seconds after a change in which no signal makes another.", update_allowed=True
        ),
        "min_adjustment_step": whole("The least change of a share.", 0, changes=True),
    }
    attributes = {
        "alarm_url": Attribute("Where a signal is sent to without a token; none here."),
        "signal_url": Attribute("Where a signal is sent to with a token."),
    }

    def check_properties(self, properties: Mapping[str, Any]) -> str | None:
        if properties.get("min_adjustment_step") and properties.get("adjustment_type") != "percent_change_in_capacity":
            return "min_adjustment_step goes with the adjustment_type percent_change_in_capacity only."
        return None

    async def create(self, it: Work) -> None:
        it.physical_id = it.physical_name

    async def signal(self, it: Work, details: Any) -> str | None:
        state = details.get("current", details.get("state", "alarm")) if isinstance(details, dict) else "alarm"
        if str(state).lower() != "alarm":
            return None
        group = await it.children.other(it, it.properties["auto_scaling_group_id"])
        if not isinstance(group.type, AutoScalingGroup):
            raise errors.BadRequest(f"{it.properties['auto_scaling_group_id']} is no group that can be scaled.")
        told = await group.type.adjust(
            group.work,
            it.properties["adjustment_type"],
            it.properties["scaling_adjustment"],
            cooldown=it.properties["cooldown"],
            step=it.properties["min_adjustment_step"],
        )
        await it.children.keep(group.work)
        return told

    async def attribute(self, it: Work, name: str) -> Any:
        return it.signal_path if name == "signal_url" else None


TYPES = (AutoScalingGroup(), ScalingPolicy())
