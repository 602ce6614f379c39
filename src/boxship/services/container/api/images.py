"""Images on hosts, and searching for images."""

from __future__ import annotations

from boxship.core import errors
from boxship.core.http.call import Reply
from boxship.services.container.api import asking, paging
from boxship.services.container.api.asking import ContainerCall
from boxship.services.container.operations import host_images as operations
from boxship.services.container.schemas import images as schemas


async def pull_image(call: ContainerCall) -> Reply:
    row = await operations.pull(call.transaction, call.caller, call.read(schemas.PullRequest))
    return Reply(schemas.view(row, call.base_url), 202, {"Location": f"{call.base_url}/v1/images/{row.id}"})


async def list_images(call: ContainerCall) -> Reply:
    asking.check_query(call, {*paging.WORDS})
    rows, page = await operations.show_all(call.transaction, call.query)
    shown = [schemas.view(row, call.base_url) for row in rows]
    return Reply({"images": shown, "next": paging.following(call, "images", [row.id for row in rows], page)})


async def show_image(call: ContainerCall) -> Reply:
    return Reply(schemas.view(await operations.find(call.transaction, call.parameters["image"]), call.base_url))


async def delete_image(call: ContainerCall) -> Reply:
    await operations.delete(call.transaction, await operations.find(call.transaction, call.parameters["image"]))
    return Reply(status=204)


async def search_images(call: ContainerCall) -> Reply:
    """A name may have a folder, which Zun's route cannot take."""
    asking.check_query(call, {"image_driver", "exact_match"})
    words = [call.parameters[name] for name in ("folder", "image") if name in call.parameters]
    if len("/".join(words)) > schemas.LONGEST:
        raise errors.BadRequest(f"it has more than {schemas.LONGEST} characters", field="image")
    return Reply(await call.live.images.search(call, "/".join(words)))
