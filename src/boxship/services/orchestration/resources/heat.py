"""Heat's own types that need no other service: values, random text, delays, and what tests are made of."""

from __future__ import annotations

import random
import secrets
import string
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from boxship.core import clock, errors
from boxship.services.orchestration.resources.interface import (
    Attribute,
    Failed,
    Kind,
    Property,
    Replace,
    ResourceType,
    Work,
)
from boxship.services.orchestration.template.constraints import AllowedValues, Range
from boxship.services.orchestration.template.errors import StackValidationFailed

_CLASSES = {
    "lettersdigits": string.ascii_letters + string.digits,
    "letters": string.ascii_letters,
    "lowercase": string.ascii_lowercase,
    "uppercase": string.ascii_uppercase,
    "digits": string.digits,
    "hexdigits": string.digits + "ABCDEF",
    "octdigits": string.octdigits,
}


class RandomString(ResourceType):
    """Random text, made once."""

    name = "OS::Heat::RandomString"
    local = True
    properties = {
        "length": Property(Kind.INTEGER, "Length of the text.", default=32, constraints=(Range(1, 512),)),
        "character_classes": Property(
            Kind.LIST,
            "Which characters it is made of, and how many of each it has at least.",
            default=[{"class": "lettersdigits", "min": 1}],
            items=Property(
                Kind.MAP,
                fields={
                    "class": Property(
                        Kind.STRING,
                        "The class.",
                        default="lettersdigits",
                        constraints=(AllowedValues(tuple(_CLASSES)),),
                    ),
                    "min": Property(Kind.INTEGER, "At least so many.", default=1, constraints=(Range(1, 512),)),
                },
            ),
        ),
        "character_sequences": Property(
            Kind.LIST,
            "Further characters it is made of, and how many of each sequence it has at least.",
            items=Property(
                Kind.MAP,
                fields={
                    "sequence": Property(Kind.STRING, "The characters.", required=True),
                    "min": Property(Kind.INTEGER, "At least so many.", default=1, constraints=(Range(1, 512),)),
                },
            ),
        ),
        "salt": Property(Kind.STRING, "Another value makes another text."),
    }
    attributes = {"value": Attribute("The text.")}

    def check_properties(self, properties: Mapping[str, Any]) -> str | None:
        entries = [*_entries(properties, "character_classes"), *_entries(properties, "character_sequences")]
        least = sum(entry["min"] for entry in entries if isinstance(entry.get("min"), int))
        if isinstance(properties.get("length"), int) and least > properties["length"]:
            return "Length property cannot be smaller than combined character class and character sequence minimums"
        return None

    async def create(self, it: Work) -> None:
        pools = [(_CLASSES[entry["class"]], entry["min"]) for entry in _entries(it.properties, "character_classes")]
        pools += [(entry["sequence"], entry["min"]) for entry in _entries(it.properties, "character_sequences")]
        chosen = [secrets.choice(pool) for pool, least in pools for _ in range(least)]
        everything = "".join(pool for pool, _ in pools)
        chosen += [secrets.choice(everything) for _ in range(it.properties["length"] - len(chosen))]
        random.SystemRandom().shuffle(chosen)
        it.data["value"] = "".join(chosen)
        it.physical_id = it.physical_name

    async def attribute(self, it: Work, name: str) -> Any:
        return it.data.get("value")

    async def delete(self, it: Work) -> None:
        it.data.pop("value", None)

    def reference(self, it: Work) -> Any:
        return it.data.get("value", it.name)


def _entries(properties: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    entries = properties.get(name)
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


class Value(ResourceType):
    """A value that a template works out once and uses in several places."""

    name = "OS::Heat::Value"
    local = True
    since = "7.0.0"
    properties = {
        "value": Property(Kind.ANY, "The value.", required=True, update_allowed=True),
        "type": Property(
            Kind.STRING,
            "What it is turned into.",
            update_allowed=True,
            constraints=(AllowedValues(("string", "number", "comma_delimited_list", "json", "boolean")),),
        ),
    }
    attributes = {"value": Attribute("The value.", Kind.ANY)}

    def check_properties(self, properties: Mapping[str, Any]) -> str | None:
        from boxship.services.orchestration.template.evaluation import is_known

        if not is_known(dict(properties)):
            return None
        try:
            _typed(properties)
        except errors.BadRequest as error:
            return error.sentence
        return None

    async def create(self, it: Work) -> None:
        it.physical_id = it.physical_name

    async def attribute(self, it: Work, name: str) -> Any:
        return _typed(it.properties)


def _typed(properties: Mapping[str, Any]) -> Any:
    from boxship.services.orchestration.template import model, parameters

    if properties.get("type") is None:
        return properties.get("value")
    return parameters.converted(model.ParameterSchema("value", properties["type"]), properties["value"])


class Nothing(ResourceType):
    """Nothing at all, whatever properties and attributes a template names: it stands in for a type that is switched off."""

    name = "OS::Heat::None"
    local = True
    takes_any_property = True
    takes_any_attribute = True
    since = "5.0.0"

    async def create(self, it: Work) -> None:
        it.physical_id = it.physical_name


class Delay(ResourceType):
    """Time that passes before the next resource is made."""

    name = "OS::Heat::Delay"
    since = "11.0.0"
    properties = {
        "min_wait": Property(Kind.NUMBER, "Seconds.", default=0, update_allowed=True, constraints=(Range(0),)),
        "max_jitter": Property(
            Kind.NUMBER,
            "Most seconds, chosen at random, on top.",
            default=0,
            update_allowed=True,
            constraints=(Range(0),),
        ),
        "jitter_multiplier": Property(
            Kind.NUMBER,
            "What the chosen seconds are multiplied by.",
            default=1.0,
            update_allowed=True,
            constraints=(Range(0),),
        ),
        "actions": Property(
            Kind.LIST,
            "What it delays.",
            default=["CREATE"],
            update_allowed=True,
            items=Property(
                Kind.STRING,
                constraints=(AllowedValues(("CREATE", "DELETE", "SUSPEND", "RESUME", "SNAPSHOT")),),
            ),
        ),
    }

    async def create(self, it: Work) -> None:
        it.physical_id = it.physical_name
        self._begin(it, "CREATE")

    async def is_created(self, it: Work) -> bool:
        return _is_over(it)

    async def is_updated(self, it: Work) -> bool:
        return True

    async def delete(self, it: Work) -> None:
        if it.action != "DELETE" or it.data.get("waits_for") != "DELETE":
            self._begin(it, "DELETE")

    async def is_deleted(self, it: Work) -> bool:
        return _is_over(it)

    def _begin(self, it: Work, action: str) -> None:
        seconds = 0.0
        if action in it.properties["actions"]:
            jitter = random.uniform(0, it.properties["max_jitter"])  # noqa: S311 (no secret)
            seconds = it.properties["min_wait"] + jitter * it.properties["jitter_multiplier"]
        it.data["waits_for"] = action
        it.data["until"] = str(clock.now().timestamp() + seconds)


def _is_over(it: Work) -> bool:
    return clock.now() >= datetime.fromtimestamp(float(it.data.get("until", "0")), UTC)


class AccessPolicy(ResourceType):
    """Which resources of the stack the users that it makes may see; as no users of this cloud are made for servers, a name."""

    name = "OS::Heat::AccessPolicy"
    properties = {
        "AllowedResources": Property(
            Kind.LIST, "The names of the resources.", required=True, items=Property(Kind.STRING)
        )
    }

    def needs(self, own: Mapping[str, Any], others: Mapping[str, tuple[str, Mapping[str, Any]]]) -> set[str]:
        """None, but they have to be there."""
        allowed = own.get("AllowedResources")
        for name in allowed if isinstance(allowed, list) else ():
            if isinstance(name, str) and name not in others:
                raise StackValidationFailed(f"AccessPolicy resource {name[:100]} not in stack")
        return set()

    async def create(self, it: Work) -> None:
        it.physical_id = it.physical_name


_ACTIONS = ("create", "update", "delete")


class Test(ResourceType):
    """Whatever a test of the engine needs: it takes time, fails, or is replaced."""

    name = "OS::Heat::TestResource"
    since = "5.0.0"
    properties = {
        "value": Property(Kind.STRING, "What ``output`` gives.", default="test_string", update_allowed=True),
        "fail": Property(Kind.BOOLEAN, "Whether making or changing it fails.", default=False, update_allowed=True),
        "update_replace": Property(Kind.BOOLEAN, "Whether a change replaces it.", default=False, update_allowed=True),
        "update_replace_value": Property(Kind.STRING, "A change of this replaces it.", update_allowed=True),
        "wait_secs": Property(Kind.NUMBER, "Seconds that it takes.", default=0, update_allowed=True),
        "action_wait_secs": Property(
            Kind.MAP,
            "Seconds that one action takes.",
            update_allowed=True,
            fields={name: Property(Kind.NUMBER, "Seconds.", update_allowed=True) for name in _ACTIONS},
        ),
        "client_name": Property(
            Kind.STRING, "A client that upstream looks up; nothing here.", default="", update_allowed=True
        ),
        "entity_name": Property(
            Kind.STRING, "An entity that upstream looks up; nothing here.", default="", update_allowed=True
        ),
        "constraint_prop_secs": Property(
            Kind.NUMBER, "Seconds that a check upstream takes; nothing here.", default=0, update_allowed=True
        ),
    }
    attributes = {"output": Attribute("The value.")}

    async def create(self, it: Work) -> None:
        it.data["value"] = it.properties["value"]
        it.physical_id = it.physical_name
        self._begin(it, "create")

    async def is_created(self, it: Work) -> bool:
        return self._ended(it)

    async def update(self, it: Work, changed: Mapping[str, Any]) -> None:
        if it.properties["update_replace"] or "update_replace_value" in changed:
            raise Replace
        it.data["value"] = it.properties["value"]
        self._begin(it, "update")

    async def delete(self, it: Work) -> None:
        if it.data.get("waits_for") != "delete":
            self._begin(it, "delete")

    async def is_deleted(self, it: Work) -> bool:
        return _is_over(it)

    async def attribute(self, it: Work, name: str) -> Any:
        return it.data.get("value")

    def _begin(self, it: Work, action: str) -> None:
        own = (it.properties["action_wait_secs"] or {}).get(action)
        seconds = it.properties["wait_secs"] if own is None else own
        it.data |= {"waits_for": action, "until": str(clock.now().timestamp() + seconds)}

    def _ended(self, it: Work) -> bool:
        if not _is_over(it):
            return False
        if it.properties["fail"]:
            raise Failed(f"Test Resource failed {it.name}")
        return True


TYPES: tuple[ResourceType, ...] = (RandomString(), Value(), Nothing(), Delay(), AccessPolicy(), Test())
