"""Handlers of tags, the same for every collection that has them."""

from __future__ import annotations

from boxship.core.http.call import Call, Reply
from boxship.services.network.api import answers
from boxship.services.network.operations import tags
from boxship.services.network.schemas.fields import TagsBody


def _place(call: Call[None]) -> tuple[str, str]:
    return call.parameters["collection"], call.parameters["id"]


async def list_tags(call: Call[None]) -> Reply:
    return Reply({"tags": await tags.get_tags(call.transaction, call.caller, *_place(call))})


async def set_tags(call: Call[None]) -> Reply:
    wanted = call.read(TagsBody).tags
    return Reply({"tags": await tags.set_tags(call.transaction, call.caller, _place(call), wanted)})


async def add_tags(call: Call[None]) -> Reply:
    more = call.read(TagsBody).tags
    return Reply({"tags": await tags.add_tags(call.transaction, call.caller, _place(call), more)}, 201)


async def remove_tags(call: Call[None]) -> Reply:
    await tags.set_tags(call.transaction, call.caller, _place(call), ())
    return answers.gone()


async def check_tag(call: Call[None]) -> Reply:
    await tags.check_tag(call.transaction, call.caller, _place(call), call.parameters["tag"])
    return answers.gone()


async def add_tag(call: Call[None]) -> Reply:
    await tags.add_tags(call.transaction, call.caller, _place(call), [call.parameters["tag"]])
    return Reply(status=201)


async def remove_tag(call: Call[None]) -> Reply:
    await tags.remove_tag(call.transaction, call.caller, _place(call), call.parameters["tag"])
    return answers.gone()
