"""What a resource type is: properties with types, constraints and update rules; attributes; verbs. Never stores anything itself.

Each verb is one step of one resource, in the transaction in which the engine records it: what a verb asks of the other services
(``Work.ask``) and that the resource has it are one commit, so a verb is never done twice, and one that raises leaves nothing.
What takes time is begun by the verb and waited for by its question (``create`` and ``is_created``), which is asked again until
it says yes. A verb fails by raising any ``BoxshipError``; its sentence becomes the reason of the resource.

Reference: https://docs.openstack.org/heat/latest/template_guide/openstack.html.
"""

from __future__ import annotations

import secrets
import string
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Protocol

from boxship.core import errors
from boxship.core.auth.caller import Caller
from boxship.core.db.database import Transaction
from boxship.core.http.doors import Doors, Request
from boxship.services.orchestration.template.constraints import Constraint


class Kind(StrEnum):
    """The types of properties and attributes, as schemas name them."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    LIST = "list"
    MAP = "map"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Property:
    """One property. ``items`` is what a list holds, ``fields`` what a map has; without them anything goes.

    ``update_allowed``: a change is made in place; otherwise the resource is replaced. ``immutable``: a change is refused.
    ``finds``: the value is the name or id of such a thing (see ``finding``), and verbs see its id.
    """

    kind: Kind
    description: str = ""
    required: bool = False
    default: Any = None
    update_allowed: bool = False
    immutable: bool = False
    constraints: tuple[Constraint, ...] = ()
    items: Property | None = None
    fields: Mapping[str, Property] | None = None
    finds: str | None = None
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute."""

    description: str
    kind: Kind = Kind.STRING


class Failed(errors.BoxshipError):
    """What was begun did not come to a good end; the sentence says why. ``kind`` is what clients know the failure by; ``within``
    names, for a nested stack, the resource in it and what it says."""

    def __init__(self, sentence: str, *, kind: str = "ResourceInError", within: str = "", detail: str = "") -> None:
        super().__init__(sentence, detail=detail)
        self.kind = kind
        self.within = within


class Replace(errors.BoxshipError):
    """The change cannot be made in place: the resource is to be replaced."""

    def __init__(self, sentence: str = "The change cannot be made in place.") -> None:
        super().__init__(sentence)


@dataclass(frozen=True, slots=True)
class StackView:
    """What a resource may know of its stack."""

    id: str
    name: str
    project_id: str
    user_id: str
    tags: tuple[str, ...] = ()
    depth: int = 0
    """How many stacks it is nested in."""


@dataclass(frozen=True, slots=True)
class Child:
    """A nested stack as its resource wants it: ``template`` and ``environment`` as documents, ``files`` by name."""

    template: Mapping[str, Any]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, Any] | None = None
    """None: the parent's, without its parameters."""
    timeout: int | None = None
    """Minutes."""


@dataclass(frozen=True, slots=True)
class ChildSight:
    """A nested stack as it is: ``status`` is IN_PROGRESS, COMPLETE or FAILED."""

    id: str
    name: str
    action: str
    status: str
    reason: str
    outputs: Mapping[str, Any]
    resources: Mapping[str, Mapping[str, Any]]
    """By name: type, physical_id, action, status, reference."""
    faults: Mapping[str, str] = field(default_factory=dict)
    """Why outputs cannot be worked out, by output."""


@dataclass(frozen=True, slots=True)
class Other:
    """Another resource that a resource acts on: its type, and a step of it."""

    type: ResourceType
    work: Work


class Engine(Protocol):
    """A Docker engine that is no part of this cloud, as a connection to it speaks (Docker Engine API). Absent: there is no such
    thing in it. Busy: it does not answer now. Refused: what it says to what it will never do."""

    async def json(self, method: str, path: str, body: object = None, /, **query: object) -> Any:
        """The answer as JSON."""
        ...

    async def content(
        self, method: str, path: str, body: object = None, /, *, limit: int, seconds: float | None, **query: object
    ) -> bytes:
        """The answer's first ``limit`` bytes."""
        ...

    def lines(
        self, method: str, path: str, data: object = None, /, *, silence: float | None = None, **query: object
    ) -> AsyncIterator[Any]:
        """The answer as it comes, a JSON document per line."""
        ...


class Engines(Protocol):
    """How such engines are reached."""

    def open(self, endpoint: str) -> AbstractAsyncContextManager[Engine]:
        """A connection, for so long. Refused: there can be none."""
        ...


class Children(Protocol):
    """How a resource whose substance is a nested stack acts on it; every change is in the step's transaction."""

    async def create(self, it: Work, child: Child) -> str:
        """Begin a stack below ``it``; its id."""
        ...

    async def update(self, it: Work, child: Child) -> None:
        """Give it another template or other parameters; nothing where it is wanted like this already."""
        ...

    async def act(self, it: Work, action: str) -> None:
        """Begin DELETE, SUSPEND, RESUME, CHECK, SNAPSHOT or RESTORE (its id in ``it.data``)."""
        ...

    async def sight(self, it: Work, *, outputs: bool = False) -> ChildSight | None:
        """How it is now; None: it is gone."""
        ...

    async def attribute(self, it: Work, resource: str, name: str) -> Any:
        """The attribute of one resource in it. NotFound: there is no such resource."""
        ...

    async def template(self, it: Work) -> Mapping[str, Any]:
        """What it is to be now."""
        ...

    async def other(self, it: Work, physical_id: str) -> Other:
        """Another resource of the same project, by what it made. NotFound: there is none."""
        ...

    async def keep(self, work: Work) -> None:
        """Store what changed in the work of another resource."""
        ...


SIGNATURE = "signature"
"""What a resource keeps of its signed URL."""


@dataclass(slots=True)
class Work:
    """One resource of one stack, in one step.

    ``properties`` are checked, converted, with defaults filled in and names looked up; None where nothing is given.
    ``before`` are those of the last step that ended well. What a verb leaves in ``physical_id``, ``data`` and ``metadata`` is
    stored.
    """

    id: str
    name: str
    type: str
    stack: StackView
    properties: dict[str, Any]
    before: dict[str, Any]
    physical_id: str | None
    data: dict[str, str]
    metadata: dict[str, Any]
    action: str
    caller: Caller
    transaction: Transaction
    doors: Doors
    children: Children
    engines: Engines
    files: Mapping[str, str] = field(default_factory=dict)
    """The files that came with the template."""
    environment: Mapping[str, Any] = field(default_factory=dict)
    """The environment of the stack, as a document."""
    update_policy: Mapping[str, Any] = field(default_factory=dict)

    signal_path: str = ""
    """The URL where signals to it are sent, with a token."""
    signed_path: str = ""
    """What the URLs begin with where signals are sent without one."""

    @property
    def physical_name(self) -> str:
        """A name for what the resource makes, where the template gives none; the same in every step of the resource."""
        if "physical_name" not in self.data:
            alphabet = string.ascii_lowercase + string.digits
            suffix = "".join(secrets.choice(alphabet) for _ in range(12))
            self.data["physical_name"] = f"{self.stack.name}-{self.name}"[:242] + f"-{suffix}"
        return self.data["physical_name"]

    def signed_url(self) -> str:
        """A URL where whoever knows it signals the resource, without a token, until that is gone. ``create`` asks for it first,
        so that it is kept."""
        if SIGNATURE not in self.data:
            self.data[SIGNATURE] = secrets.token_urlsafe(32)
        return f"{self.signed_path}/{self.id}?signature={self.data[SIGNATURE]}"

    async def ask(
        self,
        service: str,
        method: str,
        path: str,
        body: object = None,
        *,
        version: str | None = None,
        media: str = "application/json",
    ) -> Any:
        """The JSON that a service answers to the stack's owner. RequestError: as the service says it."""
        request = Request(service, method, path, body, version, media)
        return (await self.doors.call(self.transaction, self.caller, request)).body

    async def has(self, service: str, path: str, *, version: str | None = None) -> Any:
        """What is there at the path; None where there is nothing."""
        try:
            return await self.ask(service, "GET", path, version=version)
        except errors.NotFound:
            return None


class ResourceType:
    """A type of resources. One instance of each stands in the ``TYPES`` of its module."""

    name: ClassVar[str]
    properties: ClassVar[Mapping[str, Property]] = {}
    attributes: ClassVar[Mapping[str, Attribute]] = {}
    aliases: ClassVar[Mapping[str, str]] = {}
    """Names that properties had before, and that templates still use, with the present ones."""
    description: ClassVar[str] = ""
    since: ClassVar[str] = "2014.1"
    """The upstream version that brought it, for schemas."""
    local: ClassVar[bool] = False
    """Needs no other service and no waiting: many are made in one transaction."""
    asks_write: ClassVar[bool] = False
    """Whether its questions change anything."""
    survives_failure: ClassVar[bool] = False
    """Whether one that failed is changed in place like any other, and not replaced."""
    takes_any_property: ClassVar[bool] = False
    takes_any_attribute: ClassVar[bool] = False
    """Its attributes are those that a template of its own says."""
    metadata_is_given: ClassVar[bool] = True
    """Whether an update of the template replaces the metadata; not where signals write it."""
    admin: ClassVar[bool] = False
    """Shown and allowed to admins only, as upstream's policy has it."""

    def is_outside(self, properties: Mapping[str, Any]) -> bool:
        """Whether it acts on what is no service of this program: then ``create``, ``update`` and ``delete`` only note what is to
        be done, and the questions (``is_created`` ...) do it, without a transaction, as often as they are asked."""
        return False

    async def create(self, it: Work) -> None:
        """Make it; set ``it.physical_id``."""

    async def is_created(self, it: Work) -> bool:
        """Whether it is ready. Failed: it never will be."""
        return True

    async def update(self, it: Work, changed: Mapping[str, Any]) -> None:
        """Change in place the properties ``changed``, all of which allow it. Replace: that is not possible."""

    async def is_updated(self, it: Work) -> bool:
        """Whether the change is made."""
        return await self.is_created(it)

    async def delete(self, it: Work) -> None:
        """Remove it. NotFound: it is gone, which is well. Conflict, Unavailable: tried again while the stack has time."""

    async def is_deleted(self, it: Work) -> bool:
        """Whether it is gone."""
        return True

    async def check(self, it: Work) -> None:
        """Look whether it is as it should be. Failed, NotFound: it is not."""

    async def is_checked(self, it: Work) -> bool:
        """Whether the look is over. Failed: it is not as it should be."""
        return True

    async def suspend(self, it: Work) -> None:
        """Put it to sleep, where it can be."""

    async def is_suspended(self, it: Work) -> bool:
        """Whether it sleeps."""
        return True

    async def resume(self, it: Work) -> None:
        """Wake it up."""

    async def is_resumed(self, it: Work) -> bool:
        """Whether it works again."""
        return True

    async def snapshot(self, it: Work) -> dict[str, Any]:
        """Keep its present state; what is returned is stored with the snapshot of the stack."""
        return {}

    async def is_snapshot(self, it: Work, kept: Mapping[str, Any]) -> bool:
        """Whether the state is kept. Failed: it could not be."""
        return True

    async def forget_snapshot(self, it: Work, kept: Mapping[str, Any]) -> None:
        """Remove what ``snapshot`` kept."""

    def restored(self, properties: Mapping[str, Any], kept: Mapping[str, Any]) -> dict[str, Any]:
        """The properties, raw as in the template, that bring back the kept state."""
        return dict(properties)

    async def signal(self, it: Work, details: Any) -> str | None:
        """React to a signal; the reason that its event shows. BadRequest: the type takes none."""
        raise errors.BadRequest(f"Resource {it.name} of type {it.type} cannot be signalled.")

    async def attribute(self, it: Work, name: str) -> Any:
        """The value of one of ``attributes``, or of ``show``. NotFound: what it is of is gone."""
        return None

    async def attribute_at(self, it: Work, name: str, path: Sequence[Any]) -> Any:
        """As ``attribute``, for types whose attributes depend on the path that follows: at least what is on that path."""
        return await self.attribute(it, name)

    async def shown(self, it: Work) -> Any:
        """All that its service tells of it, for ``show``; None where there is nothing to show."""
        return None

    def reference(self, it: Work) -> Any:
        """What ``get_resource`` gives."""
        return it.physical_id if it.physical_id is not None else it.name

    def check_properties(self, properties: Mapping[str, Any]) -> str | None:
        """What is wrong with the properties together, as a sentence; those that are not known yet are UNRESOLVED."""
        return None

    def check_region(self, properties: Mapping[str, Any], region: str) -> None:
        """StackValidationFailed: the properties want something that is not in this region."""

    def needs(self, own: Mapping[str, Any], others: Mapping[str, tuple[str, Mapping[str, Any]]]) -> set[str]:
        """The names of other resources of the stack that come before this one although the template does not say so.

        ``own`` are its properties and ``others`` name -> (type, properties), all raw as in the template except that
        ``get_resource`` is a ``template.functions.Reference`` to a name and parameters are filled in; see ``points_at``.
        """
        return set()


def points_at(value: Any, name: str) -> bool:
    """Whether a property of ``ResourceType.needs`` names the resource ``name`` of the same stack."""
    return getattr(value, "resource", None) == name and getattr(value, "attribute", None) is None


class RestResource(ResourceType):
    """A resource that is one row of a REST collection: made by POST, shown by GET, changed by PUT, removed by DELETE."""

    service: ClassVar[str]
    collection: ClassVar[str]
    """The path of the collection below the endpoint, such as ``/v2.0/networks``."""
    key: ClassVar[str]
    """What wraps one row in JSON."""
    version: ClassVar[str | None] = None
    status_field: ClassVar[str] = "status"
    ready: ClassVar[frozenset[str]] = frozenset()
    """The statuses (upper case) that end the waiting; empty: there is nothing to wait for."""
    failed: ClassVar[frozenset[str]] = frozenset({"ERROR", "ERROR_DELETING"})
    change_method: ClassVar[str] = "PUT"
    names_itself: ClassVar[bool] = True
    """Whether it has a name, which is made where the template gives none."""

    def path(self, it: Work) -> str:
        """Where its row is."""
        return f"{self.collection}/{it.physical_id}"

    def body(self, it: Work) -> dict[str, Any]:
        """The row as POST wants it: the properties that are given."""
        given = {name: value for name, value in it.properties.items() if value is not None}
        if self.names_itself:
            given.setdefault("name", it.physical_name)
        return given

    def changes(self, it: Work, changed: Mapping[str, Any]) -> dict[str, Any]:
        """The fields as PUT wants them."""
        given = dict(changed)
        if self.names_itself and "name" in given and given["name"] is None:
            given["name"] = it.physical_name
        return given

    async def create(self, it: Work) -> None:
        answer = await it.ask(self.service, "POST", self.collection, {self.key: self.body(it)}, version=self.version)
        it.physical_id = answer[self.key]["id"]

    async def is_created(self, it: Work) -> bool:
        if not self.ready:
            return True
        row = await self.shown(it)
        if row is None:
            raise Failed(f"{it.physical_id} is gone.")
        status = str(row.get(self.status_field) or "").upper()
        if status in self.failed:
            raise Failed(self.reason(row, status))
        return status in self.ready

    def reason(self, row: Mapping[str, Any], status: str) -> str:
        """Why a row whose status is bad is so."""
        return f'Went to status {status} due to "{row.get("status_reason") or "Unknown"}"'

    async def update(self, it: Work, changed: Mapping[str, Any]) -> None:
        fields = self.changes(it, changed)
        if fields:
            await it.ask(self.service, self.change_method, self.path(it), {self.key: fields}, version=self.version)

    async def delete(self, it: Work) -> None:
        if it.physical_id is not None:
            await it.ask(self.service, "DELETE", self.path(it), version=self.version)

    async def is_deleted(self, it: Work) -> bool:
        if it.physical_id is None:
            return True
        row = await self.shown(it)
        if row is not None and str(row.get(self.status_field) or "").upper() in self.failed:
            raise Failed(self.reason(row, str(row[self.status_field]).upper()))
        return row is None

    async def check(self, it: Work) -> None:
        row = await self.shown(it)
        if row is None:
            raise Failed(f"{it.physical_id} is gone.")
        status = str(row.get(self.status_field) or "").upper()
        if status in self.failed:
            raise Failed(self.reason(row, status))

    async def attribute(self, it: Work, name: str) -> Any:
        row = await self.shown(it)
        if row is None:
            raise errors.NotFound(f"{it.physical_id} could not be found.")
        return row.get(name)

    async def shown(self, it: Work) -> Any:
        if it.physical_id is None:
            return None
        answer = await it.has(self.service, self.path(it), version=self.version)
        return None if answer is None else answer[self.key]
