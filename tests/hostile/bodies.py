"""What the routes read as bodies, found by listening to their handlers, and good bodies made from that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import inspect

from tests.hostile import seeds, shapes, world
from tests.hostile.world import Target, World


async def shape(attacked: World, target: Target) -> Any:
    """The type that the handler reads the body as; None: it reads none, or nothing of which fields are known."""
    key = str(target)
    if key not in attacked.shapes:
        attacked.shapes[key] = await _heard(attacked, target)
    return attacked.shapes[key]


async def _heard(attacked: World, target: Target) -> Any:
    if not target.route.is_write or target.route.stream:
        return None
    before = attacked.changes()
    with world.overheard() as heard:
        for user, body in (("alice", {}), ("alice", []), ("admin", {})):
            await attacked.ask(user, target, body=body)
            if any(_has_fields(one) for one in heard):
                break
    if attacked.changes() != before:
        attacked.restore()
    known = [one for one in heard if _has_fields(one)]
    return max(known, key=lambda one: len(list(shapes.fields(inspect.type_info(one)))), default=None)


def _has_fields(one: Any) -> bool:
    kind = inspect.type_info(one)
    return isinstance(kind.item_type if isinstance(kind, inspect.ListType) else kind, inspect.StructType)


async def good(attacked: World, target: Target, user: str = "alice") -> Any:
    """A body that the owner of the path could send, or bob for himself: a seed's, or one made from the type; ``{}``
    where none is read."""
    project = attacked.ids[f"{user} project"]
    examples = attacked.others if user == "bob" else attacked.examples
    path = target.path.replace(attacked.ids["alice project"], project)
    seeded = seeds.good_body(attacked, path, project, examples) if target.route.method == "POST" else None
    if seeded is not None:
        return seeded
    read = await shape(attacked, target)
    if read is None:
        return {}

    def find(name: str) -> Any:
        return next(iter(references(examples, project, (name,))), None)

    return shapes.example(inspect.type_info(read), "", find)


def references(examples: Mapping[str, str], project: str, place: shapes.Path) -> list[str]:
    """The ids among the examples that could stand in a field of that name, if it refers to something at all."""
    name = next((str(part) for part in reversed(place) if isinstance(part, str)), "")
    if name in {"project_id", "tenant_id"}:
        return [project]
    if name in {"device_id", "image"} or not place:  # any words, and a name for the engine unless its driver is glance
        return []
    if tuple(place) in {("backup", "container"), ("group",)}:  # any word that the owner thinks of
        return []
    stem = name.removesuffix("_ids").removesuffix("_id").removeprefix("remote_").removeprefix("fixed_")
    stem = {"group": "security-group", "source": "volume", "floating_network": "network"}.get(stem, stem)
    wanted = stem.replace("_", "-").removesuffix("s") + "s"
    return [id for key, id in examples.items() if key.partition("/")[2] == wanted]
