"""Handlers of transfers, under the name of 3.0 and under that of 3.55."""

from __future__ import annotations

from boxship.core.http.call import Call, Reply
from boxship.core.http.microversions import Version
from boxship.core.http.routes import Route
from boxship.services.volume import versions
from boxship.services.volume.operations import transfers
from boxship.services.volume.schemas import transfers as wire
from boxship.services.volume.schemas import volumes as volume_wire

TransferCall = Call[None]


async def create_transfer(call: TransferCall) -> Reply:
    made, key = await transfers.create_transfer(call.transaction, call.caller, wire.offer(call))
    return Reply({"transfer": {**wire.shown(call, made), "auth_key": key}}, 202)


async def list_transfers(call: TransferCall) -> Reply:
    found, more = await transfers.list_transfers(
        call.transaction, call.caller, call.parameters["project_id"], call.query
    )
    return Reply(volume_wire.listed(call, "transfers", (wire.brief(call, one) for one in found), more=more))


async def list_details(call: TransferCall) -> Reply:
    found, more = await transfers.list_transfers(
        call.transaction, call.caller, call.parameters["project_id"], call.query
    )
    return Reply(volume_wire.listed(call, "transfers", (wire.shown(call, one) for one in found), more=more))


async def show_transfer(call: TransferCall) -> Reply:
    found = await transfers.get_transfer(call.transaction, call.caller, call.parameters["transfer"])
    return Reply({"transfer": wire.shown(call, found)})


async def accept_transfer(call: TransferCall) -> Reply:
    key = str(call.read(wire.AcceptRequest).accept.auth_key)
    taken = await transfers.accept_transfer(
        call.transaction, call.caller, call.settings, call.parameters["transfer"], key
    )
    return Reply({"transfer": wire.brief(call, taken)}, 202)


async def delete_transfer(call: TransferCall) -> Reply:
    await transfers.delete_transfer(call.transaction, call.caller, call.parameters["transfer"])
    return Reply(status=202)


def _routes(collection: str, since: Version | None) -> list[Route]:
    every = f"/v3/{{project_id}}/{collection}"
    one = f"{every}/{{transfer}}"
    return [
        Route("POST", every, create_transfer, "volume:create_transfer", since=since),
        Route("GET", every, list_transfers, "volume:get_all_transfers", since=since),
        Route("GET", f"{every}/detail", list_details, "volume:get_all_transfers", since=since),
        Route("GET", one, show_transfer, "volume:get_transfer", since=since),
        Route("DELETE", one, delete_transfer, "volume:delete_transfer", since=since),
        Route("POST", f"{one}/accept", accept_transfer, "volume:accept_transfer", since=since),
    ]


ROUTES = [*_routes("os-volume-transfer", None), *_routes("volume-transfers", versions.TRANSFERS_WITH_SNAPSHOTS)]
