"""Field types that several resources share; every text and every list has a bound."""

from __future__ import annotations

from typing import Annotated, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from boxship.services.network import errors

T = TypeVar("T")

Text = Annotated[str, Meta(max_length=255)]
Id = Annotated[str, Meta(max_length=64)]
Ip = Annotated[str, Meta(max_length=64)]
Prefix = Annotated[str, Meta(max_length=64)]
Mac = Annotated[str, Meta(max_length=32)]
Tag = Annotated[str, Meta(min_length=1, max_length=60, pattern=r"^[^,]*\Z")]
Tags = Annotated[tuple[Tag, ...], Meta(max_length=50)]
Ids = Annotated[tuple[Id, ...], Meta(max_length=500)]
Digits = Annotated[str, Meta(pattern=r"^-?[0-9]{1,9}\Z")]
"""A whole number as text: Neutron reads both, and python-openstackclient sends an MTU like this."""
Zones = Annotated[tuple[Text, ...], Meta(max_length=16)]
"""Names of availability zones."""


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The base of what clients send."""


class Create(Request, frozen=True, kw_only=True):
    """What every new resource may name: whose it is (``tenant_id`` is the old spelling) and what it is called."""

    project_id: Id | UnsetType = UNSET
    tenant_id: Id | UnsetType = UNSET
    description: Text = ""
    tags: Tags = ()

    @property
    def owner(self) -> str | None:
        """The project that it is to belong to; None: the caller's."""
        return known(self.project_id) or known(self.tenant_id)


class TagsBody(Request, frozen=True, kw_only=True):
    """All tags that a resource is to have."""

    tags: Tags


def known(value: T | UnsetType | None) -> T | None:
    """The value, or None where the client did not say."""
    return None if isinstance(value, UnsetType) else value


def whole(value: int | str | None, field: str, least: int, most: int) -> int | None:
    """A number in any spelling. InvalidInput: out of bounds."""
    if value is None:
        return None
    number = int(value)
    if not least <= number <= most:
        raise errors.InvalidInput(f"'{value}' is not a whole number from {least} to {most}", field=field)
    return number


def given(request: Request) -> dict[str, object]:
    """The fields that the client sent, by their names in Python."""
    values = ((name, getattr(request, name)) for name in request.__struct_fields__)
    return {name: value for name, value in values if not isinstance(value, UnsetType)}
