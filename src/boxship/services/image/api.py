"""The routes of the image service (Glance v2) and their handlers: parse, call one operation, shape the answer."""

from __future__ import annotations

from boxship.core import errors
from boxship.core.http.call import Call, Reply
from boxship.core.http.routes import PUBLIC, Route
from boxship.services.image import live
from boxship.services.image.operations import images, imports, lists, members
from boxship.services.image.schemas import documents, patch
from boxship.services.image.schemas import images as wire

ImageCall = Call[live.ImageLive]


async def show_versions(call: ImageCall) -> Reply:
    return Reply(documents.versions(call.base_url), 300)


async def list_versions(call: ImageCall) -> Reply:
    return Reply(documents.versions(call.base_url))


async def create_image(call: ImageCall) -> Reply:
    id, wish = wire.read_new(call.body)
    detail = await images.create_image(call.transaction, call.caller, call.settings, wish, id)
    location = f"{call.base_url}/v2/images/{detail.image.id}"
    return Reply(wire.shown(detail), 201, {"Location": location})


async def list_images(call: ImageCall) -> Reply:
    found, more = await lists.list_images(call.transaction, call.caller, call.query)
    details = await images.describe(call.transaction, found)
    return Reply(wire.shown_list(details, call.query, more=more))


async def show_image(call: ImageCall) -> Reply:
    image = await images.get_image(call.transaction, call.caller, call.parameters["image"])
    (detail,) = await images.describe(call.transaction, [image])
    return Reply(wire.shown(detail))


async def update_image(call: ImageCall) -> Reply:
    media = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media not in {patch.MEDIA, patch.OLD_MEDIA}:
        raise errors.UnsupportedMedia(f"This resource reads {patch.MEDIA}, not {media or 'a body without a type'}.")
    changes = patch.read(call.body, media)
    image = await images.own_image(call.transaction, call.caller, call.parameters["image"])
    (before,) = await images.describe(call.transaction, [image])
    wish = wire.described(patch.apply(wire.document(before), changes))
    return Reply(wire.shown(await images.change_image(call.transaction, call.caller, before, wish)))


async def delete_image(call: ImageCall) -> Reply:
    await images.delete_image(call.transaction, call.caller, call.parameters["image"])
    return Reply(status=204)


async def upload_image(call: ImageCall) -> Reply:
    media = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != "application/octet-stream" or call.stream is None:
        raise errors.UnsupportedMedia("The bytes of an image are sent as application/octet-stream.")
    sizes = live.Sizes(call.settings.max_image, _announced(call))
    await call.live.receive(call.database, call.caller, call.parameters["image"], call.stream, sizes)
    return Reply(status=204)


def _announced(call: ImageCall) -> int | None:
    """How many bytes the client says it sends."""
    text = call.headers.get("x-openstack-image-size") or call.headers.get("content-length")
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise errors.BadRequest(f"{text!r} is not a size in bytes", field="X-OpenStack-Image-Size")
    return int(text)


async def import_image(call: ImageCall) -> Reply:
    url = wire.read_import(call.body)
    await imports.order(call.transaction, call.caller, call.parameters["image"], url, call.live.here)
    return Reply(status=202)


async def download_image(call: ImageCall) -> Reply:
    found = await call.live.send(call.database, call.caller, call.parameters["image"])
    if found is None:
        return Reply(status=204)
    image, stream = found
    headers = {"Content-Length": str(image.size), "Content-MD5": image.checksum or ""}
    return Reply(stream, 200, headers, media="application/octet-stream")


async def deactivate_image(call: ImageCall) -> Reply:
    await images.set_active(call.transaction, call.caller, call.parameters["image"], active=False)
    return Reply(status=204)


async def reactivate_image(call: ImageCall) -> Reply:
    await images.set_active(call.transaction, call.caller, call.parameters["image"], active=True)
    return Reply(status=204)


async def add_tag(call: ImageCall) -> Reply:
    tag = call.parameters["tag"]
    if len(tag) > 255:
        raise errors.BadRequest("a tag has at most 255 characters", field="tag")
    await images.add_tag(call.transaction, call.caller, call.parameters["image"], tag)
    return Reply(status=204)


async def delete_tag(call: ImageCall) -> Reply:
    await images.delete_tag(call.transaction, call.caller, call.parameters["image"], call.parameters["tag"])
    return Reply(status=204)


async def add_member(call: ImageCall) -> Reply:
    wish = call.read(wire.MemberRequest)
    member = await members.add_member(call.transaction, call.caller, call.parameters["image"], wish.member)
    return Reply(wire.shown_member(member))


async def list_members(call: ImageCall) -> Reply:
    found = await members.list_members(call.transaction, call.caller, call.parameters["image"])
    return Reply({"members": [wire.shown_member(member) for member in found], "schema": "/v2/schemas/members"})


async def show_member(call: ImageCall) -> Reply:
    id, member = call.parameters["image"], call.parameters["member"]
    return Reply(wire.shown_member(await members.get_member(call.transaction, call.caller, id, member)))


async def update_member(call: ImageCall) -> Reply:
    id, member = call.parameters["image"], call.parameters["member"]
    wish = call.read(wire.MemberStatusRequest)
    return Reply(wire.shown_member(await members.set_status(call.transaction, call.caller, id, member, wish.status)))


async def delete_member(call: ImageCall) -> Reply:
    id, member = call.parameters["image"], call.parameters["member"]
    await members.delete_member(call.transaction, call.caller, id, member)
    return Reply(status=204)


_SCHEMAS = {
    "image": documents.IMAGE,
    "images": documents.collection("images", documents.IMAGE),
    "member": documents.MEMBER,
    "members": documents.collection("members", documents.MEMBER),
}


async def show_schema(call: ImageCall) -> Reply:
    schema = _SCHEMAS.get(call.parameters["schema"])
    if schema is None:
        raise errors.NotFound(f"There is no schema of the name {call.parameters['schema']!r}.")
    return Reply(schema)


async def show_import_methods(_call: ImageCall) -> Reply:
    return Reply(documents.IMPORT_METHODS)


ROUTES = [
    Route("GET", "/", show_versions, PUBLIC),
    Route("GET", "/versions", list_versions, PUBLIC),
    Route("POST", "/v2/images", create_image, "add_image"),
    Route("GET", "/v2/images", list_images, "get_images"),
    Route("GET", "/v2/images/{image}", show_image, "get_image"),
    Route("PATCH", "/v2/images/{image}", update_image, "modify_image"),
    Route("DELETE", "/v2/images/{image}", delete_image, "delete_image"),
    Route("PUT", "/v2/images/{image}/file", upload_image, "upload_image", live=True, stream=True),
    Route("POST", "/v2/images/{image}/import", import_image, "import_image"),
    Route("GET", "/v2/images/{image}/file", download_image, "download_image", live=True),
    Route("POST", "/v2/images/{image}/actions/deactivate", deactivate_image, "deactivate"),
    Route("POST", "/v2/images/{image}/actions/reactivate", reactivate_image, "reactivate"),
    Route("PUT", "/v2/images/{image}/tags/{tag}", add_tag, "modify_image"),
    Route("DELETE", "/v2/images/{image}/tags/{tag}", delete_tag, "modify_image"),
    Route("POST", "/v2/images/{image}/members", add_member, "add_member"),
    Route("GET", "/v2/images/{image}/members", list_members, "get_members"),
    Route("GET", "/v2/images/{image}/members/{member}", show_member, "get_member"),
    Route("PUT", "/v2/images/{image}/members/{member}", update_member, "modify_member"),
    Route("DELETE", "/v2/images/{image}/members/{member}", delete_member, "delete_member"),
    Route("GET", "/v2/schemas/{schema}", show_schema, "get_images"),
    Route("GET", "/v2/info/import", show_import_methods, "get_images"),
]
