"""How Neutron wraps what it answers: a member or a collection under its name, the fields asked for, links to more."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

import msgspec
from msgspec import UnsetType

from boxship.core import errors
from boxship.core.http import listing
from boxship.core.http.call import Call, Reply, decode

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
    """As upstream: the way on after a full page, the way back of all pages but a short one that was reached by going back.
    From an empty page both begin anew, at that end of the list."""
    full, paged = listing.next_marker(keys, page), call.query.one("limit") not in {None, "0"} or page.marker is not None
    links = []
    if full or (paged and page.reverse):
        links.append({"rel": "next", "href": _href(call, keys[-1:], reverse=False)})
    if paged and (full or not page.reverse):
        links.append({"rel": "previous", "href": _href(call, keys[:1], reverse=True)})
    return links


def _href(call: Call[Any], marker: Sequence[str], *, reverse: bool) -> str:
    kept = [(name, value) for name, value in call.query.pairs if name not in {"marker", "page_reverse"}]
    there = [("marker", key) for key in marker]
    query = urlencode([*kept, *there, *([("page_reverse", "True")] if reverse else [])])
    return f"{call.settings.url}{call.path}?{query}"


def read(call: Call[Any], shape: type[Wish], names: tuple[str, str]) -> Wish:
    """The body of a creation. Each of several may stand under the member's name once more, as Neutron allows it:
    ``{"ports": [{"port": {...}}]}``. ``names`` are member and collection."""
    body = _flat(call.body, *names) if f'"{names[1]}"'.encode() in call.body else call.body
    return decode(body, shape)


def _flat(body: bytes, member: str, collection: str) -> bytes:
    """The body without the names around members; as it is where it is of another shape, for others to refuse."""
    try:
        found = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        entries = msgspec.json.decode(found.get(collection, b"[]"), type=list[dict[str, msgspec.Raw]])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return body
    if not any(entry.keys() == {member} for entry in entries):
        return body
    plain = [entry[member] if entry.keys() == {member} else entry for entry in entries]
    return msgspec.json.encode({**found, collection: plain})


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
