"""Resources whose substance is a stack: templates that stand for a type, and what groups of resources are made of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from boxship.core import errors
from boxship.services.orchestration.resources.interface import (
    Child,
    ChildSight,
    Failed,
    ResourceType,
    Work,
)
from boxship.services.orchestration.template import parsing, reading
from boxship.services.orchestration.template.errors import StackValidationFailed


class NestedStack(ResourceType):
    """A resource that is a nested stack; a type says what the stack is to be."""

    survives_failure = True
    takes_any_attribute = True

    def child(self, it: Work) -> Child:
        """The nested stack that the properties want. BadRequest: there is none like this."""
        raise NotImplementedError

    def preview(self, properties: Mapping[str, Any], files: Mapping[str, str]) -> Child | None:
        """The nested stack that these properties would make, as far as they are known; None: it cannot be told before."""
        return None

    async def create(self, it: Work) -> None:
        it.physical_id = await it.children.create(it, self.child(it))

    async def is_created(self, it: Work) -> bool:
        return await self._is_over(it)

    async def _is_over(self, it: Work) -> bool:
        """Whether the nested stack came to the end of what it does. Failed: a bad end."""
        sight = await it.children.sight(it)
        if sight is None:
            raise Failed("The nested stack is gone.")
        if sight.status == "FAILED":
            raise failure(sight)
        return sight.status == "COMPLETE"

    async def update(self, it: Work, changed: Mapping[str, Any]) -> None:
        await it.children.update(it, self.child(it))

    async def delete(self, it: Work) -> None:
        await it.children.act(it, "DELETE")

    async def is_deleted(self, it: Work) -> bool:
        sight = await it.children.sight(it)
        if sight is not None and sight.action == "DELETE" and sight.status == "FAILED":
            raise failure(sight)
        return sight is None

    async def check(self, it: Work) -> None:
        await it.children.act(it, "CHECK")

    async def is_checked(self, it: Work) -> bool:
        return await self._is_over(it)

    async def suspend(self, it: Work) -> None:
        await it.children.act(it, "SUSPEND")

    async def is_suspended(self, it: Work) -> bool:
        return await self._is_over(it)

    async def resume(self, it: Work) -> None:
        await it.children.act(it, "RESUME")

    async def is_resumed(self, it: Work) -> bool:
        return await self._is_over(it)

    async def attribute(self, it: Work, name: str) -> Any:
        sight = await it.children.sight(it, outputs=True)
        if sight is None:
            raise errors.NotFound(f"The nested stack of {it.name} is gone.")
        if name == "outputs":
            return dict(sight.outputs)
        if name in sight.faults:
            raise errors.BadRequest(f"Error in {it.name} output {name}: {sight.faults[name]}")
        return sight.outputs.get(name)


def failure_within(reason: str) -> tuple[str, str, str]:
    """The reason of a failed stack: the kind of failure, the way to it behind ``resources.``, and a sentence where there is no
    way."""
    found = re.fullmatch(r"Resource \w+ failed: (\w+): resources\.(.*)", reason, re.DOTALL)
    return (found.group(1), found.group(2), "") if found else ("ResourceInError", "", reason)


def failure(sight: ChildSight) -> Failed:
    """The failure of a nested stack as that of its resource."""
    kind, within, sentence = failure_within(sight.reason)
    return Failed(sentence, kind=kind, within=within)


class TemplateResource(NestedStack):
    """A type that a template of the user stands for: its parameters are the properties, its outputs the attributes."""

    takes_any_property = True

    def __init__(self, name: str) -> None:
        self.file = name

    def child(self, it: Work) -> Child:
        """The template that stands for the type, with the properties as its parameters."""
        child = self.preview(it.properties, it.files)
        known = reading.read(child.template).parameters
        for name in child.parameters:
            if name not in known:
                raise StackValidationFailed(f"Unknown Property {name[:100]}", field=f"resources.{it.name}.properties")
        return child

    def preview(self, properties: Mapping[str, Any], files: Mapping[str, str]) -> Child:
        """The template with the properties that are known as its parameters."""
        if self.file not in files:
            raise StackValidationFailed(f'No content found in the "files" section for the template {self.file[:200]}')
        document = parsing.parse(files[self.file], limit=len(files[self.file]) * 4)
        return Child(document, {name: value for name, value in properties.items() if value is not None}, files)

    def reference(self, it: Work) -> Any:
        return it.physical_id or it.name
