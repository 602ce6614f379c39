"""How Neutron wraps what it answers: a member or a collection under its name, the fields asked for, links to more."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

import msgspec
from msgspec import UnsetType

from boxship.core import errors
from boxship.core.http import listing
from boxship.core.http.call import Call, Reply

Wish = TypeVar("Wish")
View = TypeVar("View")


def one(call: Call[Any], name: str, answer: msgspec.Struct, status: int = 200) -> Reply:
    """A single resource."""
    return Reply({name: _chosen(call, [answer])[0]}, status)


def listed(call: Call[Any], name: str, answers: Sequence[msgspec.Struct], page: listing.Page, key: str = "id") -> Reply:
    """A collection, with links to what comes before and after where there may be more. ``key`` is the field of markers."""
    body: dict[str, object] = {name: _chosen(call, answers)}
    links = _links(call, [getattr(answer, key) for answer in answers], page)
    if links:
        body[f"{name}_links"] = links
    return Reply(body)


def _chosen(call: Call[Any], answers: Sequence[msgspec.Struct]) -> Sequence[object]:
    """Only the fields that were asked for; without ``fields`` all of them."""
    wanted = {name for value in call.query.all("fields") for name in value.split(",") if name}
    if not wanted:
        return answers
    full = (msgspec.to_builtins(answer) for answer in answers)
    return [{name: value for name, value in answer.items() if name in wanted} for answer in full]


def _links(call: Call[Any], keys: Sequence[str], page: listing.Page) -> list[dict[str, str]]:
    """``next`` after a full page, ``previous`` where there was a marker; each by the key at its edge."""
    if not keys:
        return []
    full = listing.next_marker(keys, page)
    links = []
    if full or page.reverse:
        links.append({"rel": "next", "href": _href(call, keys[-1], reverse=False)})
    if page.marker is not None and (full or not page.reverse):
        links.append({"rel": "previous", "href": _href(call, keys[0], reverse=True)})
    return links


def _href(call: Call[Any], marker: str, *, reverse: bool) -> str:
    kept = [(name, value) for name, value in call.query.pairs if name not in {"marker", "page_reverse"}]
    query = urlencode([*kept, ("marker", marker), *([("page_reverse", "True")] if reverse else [])])
    return f"{call.settings.url}{call.path}?{query}"


async def created(
    names: tuple[str, str],
    wishes: tuple[Wish | UnsetType, Sequence[Wish] | UnsetType],
    make: Callable[[Wish], Awaitable[View]],
    shape: Callable[[View], msgspec.Struct],
) -> Reply:
    """One resource or several, made in one transaction: all of them or none. ``names`` are member and collection."""
    single, several = wishes
    if not isinstance(single, UnsetType) and isinstance(several, UnsetType):
        return Reply({names[0]: shape(await make(single))}, 201)
    if isinstance(several, UnsetType) or not isinstance(single, UnsetType):
        raise errors.BadRequest(f"Either '{names[0]}' or '{names[1]}' is required", field=names[0])
    return Reply({names[1]: [shape(await make(wish)) for wish in several]}, 201)


def gone() -> Reply:
    """Neutron's answer to a deletion."""
    return Reply(status=204)
