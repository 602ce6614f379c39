"""Members of shared images: the owner offers, the member accepts or rejects."""

from __future__ import annotations

import msgspec

from boxship.core import clock
from boxship.core.auth.caller import Caller
from boxship.core.db.database import Transaction
from boxship.services.image import errors
from boxship.services.image.model import Image, Member, Visibility
from boxship.services.image.operations import images
from boxship.services.image.store import members as store


async def add_member(transaction: Transaction, caller: Caller, image_id: str, member_id: str) -> Member:
    """Offer an own image to a project. NotShareable, MemberExists, TooMany."""
    image = await images.own_image(transaction, caller, image_id)
    _require_shared(image)
    present = await store.of(transaction, image_id)
    if any(member.member_id == member_id for member in present):
        raise errors.MemberExists(image_id, member_id)
    if len(present) >= images.MOST:
        raise errors.TooMany("members", images.MOST)
    now = clock.now()
    member = Member(image_id, member_id, "pending", now, now)
    await store.insert(transaction, member)
    return member


def _require_shared(image: Image) -> None:
    if image.visibility != Visibility.SHARED:
        raise errors.NotShareable()


async def list_members(transaction: Transaction, caller: Caller, image_id: str) -> list[Member]:
    """All members for the owner, itself for a member."""
    image = await images.get_image(transaction, caller, image_id)
    _require_shared(image)
    found = await store.of(transaction, image_id)
    return [member for member in found if caller.sees(image.owner) or caller.sees(member.member_id)]


async def get_member(transaction: Transaction, caller: Caller, image_id: str, member_id: str) -> Member:
    """One member, for the owner and itself. MemberNotFound."""
    image = await images.get_image(transaction, caller, image_id)
    found = await store.get(transaction, image_id, member_id)
    if found is None or not (caller.sees(image.owner) or caller.sees(member_id)):
        raise errors.MemberNotFound(image_id, member_id)
    return found


async def set_status(transaction: Transaction, caller: Caller, image_id: str, member_id: str, status: str) -> Member:
    """Accept or reject an offer, as the member. MemberNotFound, NotTheOwner (the owner asks)."""
    found = await get_member(transaction, caller, image_id, member_id)
    if not caller.sees(member_id):
        raise errors.NotTheOwner()
    changed = msgspec.structs.replace(found, status=status, updated_at=clock.now())
    await store.update(transaction, changed)
    return changed


async def delete_member(transaction: Transaction, caller: Caller, image_id: str, member_id: str) -> None:
    """Withdraw an offer. MemberNotFound."""
    await images.own_image(transaction, caller, image_id)
    if not await store.delete(transaction, image_id, member_id):
        raise errors.MemberNotFound(image_id, member_id)
