"""Security groups and rules: create, change, delete, and what a project's group ``default`` is."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence

import msgspec

from boxship.config import Settings
from boxship.core import clock
from boxship.core.auth.caller import Caller
from boxship.core.db.database import Transaction
from boxship.core.http import listing
from boxship.core.http.call import Query, new_id
from boxship.services.network import errors, model
from boxship.services.network.operations import access, checks, sharing
from boxship.services.network.schemas import groups as wire
from boxship.services.network.schemas.fields import given
from boxship.services.network.store import groups as store
from boxship.services.network.store import rbac, removals, rows, tables

DEFAULT = "default"

_ANY = {None, "any", "0", "-1"}
_PORTS = {6, 17, 33, 132, 136}
_ICMP = {1, 58}
_FAMILIES = ("IPv4", "IPv6")
_ONLY_V6 = {"ipv6-icmp", "icmpv6", "ipv6-encap", "ipv6-frag", "ipv6-nonxt", "ipv6-opts", "ipv6-route"} | {
    "41",
    "43",
    "44",
    "58",
    "59",
    "60",
}


async def ensure_default(transaction: Transaction, project_id: str) -> str:
    """The id of the project's group ``default``, made on first use: lets all out, and its members in."""
    found = await store.default_of(transaction, project_id)
    if found:
        return found.id
    await transaction.serialise(f"network:default-group:{project_id}")
    found = await store.default_of(transaction, project_id)
    if found:
        return found.id
    group = _group(project_id, wire.GroupCreate(name=DEFAULT, description="Default security group"), is_default=True)
    await rows.insert(transaction, tables.groups, group)
    inside = [_plain_rule(group, "ingress", ethertype, remote_group_id=group.id) for ethertype in _FAMILIES]
    await rows.insert(transaction, tables.rules, *_all_out(group), *inside)
    transaction.wake(model.Kind.GROUP, group.id)
    return group.id


async def has_default(transaction: Transaction, project_id: str) -> bool:
    """Whether the project has its group ``default`` already."""
    return await store.default_of(transaction, project_id) is not None


def _group(project_id: str, wish: wire.GroupCreate, *, is_default: bool = False) -> model.Group:
    now = clock.now()
    return model.Group(
        id=new_id(),
        project_id=project_id,
        created_at=now,
        is_default=is_default,
        updated_at=now,
        revision_number=1,
        name=wish.name,
        description=wish.description,
        stateful=wish.stateful,
        tags=wish.tags,
        generation=1,
        observed=0,
        reason=None,
    )


def _plain_rule(group: model.Group, direction: str, ethertype: str, remote_group_id: str | None = None) -> model.Rule:
    now = clock.now()
    return model.Rule(
        id=new_id(),
        project_id=group.project_id,
        security_group_id=group.id,
        direction=direction,
        ethertype=ethertype,
        protocol=None,
        port_range_min=None,
        port_range_max=None,
        remote_ip_prefix=None,
        remote_group_id=remote_group_id,
        description="",
        created_at=now,
        updated_at=now,
        revision_number=0,
    )


def _all_out(group: model.Group) -> list[model.Rule]:
    return [_plain_rule(group, "egress", ethertype) for ethertype in _FAMILIES]


async def create_group(
    transaction: Transaction, caller: Caller, settings: Settings, wish: wire.GroupCreate
) -> model.GroupView:
    """A new group, whose members may send anything and receive only answers. OverQuota."""
    project_id = access.owner(caller, wish, "create_security_group")
    _named(wish.name)
    await ensure_default(transaction, project_id)
    await access.quota(transaction, settings, "security_group", project_id)
    await access.quota(transaction, settings, "security_group_rule", project_id, len(_FAMILIES))
    group = _group(project_id, wish)
    allowed = _all_out(group)
    await rows.insert(transaction, tables.groups, group)
    await rows.insert(transaction, tables.rules, *allowed)
    transaction.wake(model.Kind.GROUP, group.id)
    return model.GroupView(group, tuple(allowed))


def _named(name: object) -> None:
    if isinstance(name, str) and name.lower() == DEFAULT:
        raise errors.SecurityGroupDefaultAlreadyExists


async def list_groups(
    transaction: Transaction, caller: Caller, query: Query
) -> tuple[list[model.GroupView], listing.Page]:
    """The groups that the caller sees, with their rules."""
    conditions = [] if caller.is_admin else [store.visible(caller.project_id)]
    if query.one("shared") is not None:
        conditions.append(store.shared_with(caller.project_id, wanted=query.flag("shared")))
    source = (tables.groups, model.Group, store.GROUP_COLUMNS)
    found, page = await access.listed(transaction, query, source, conditions, frozenset(("shared",)))
    return await _views(transaction, caller, found), page


async def _views(transaction: Transaction, caller: Caller, found: Sequence[model.Group]) -> list[model.GroupView]:
    ids = [group.id for group in found]
    rules = await store.rules_of(transaction, ids)
    shared = await rbac.shared(transaction, ids, caller.project_id)
    return [model.GroupView(group, tuple(rules.get(group.id, ())), group.id in shared) for group in found]


async def get_group(transaction: Transaction, caller: Caller, id: str) -> model.GroupView:
    """One group. SecurityGroupNotFound."""
    return (await _views(transaction, caller, [await seen(transaction, caller, id)]))[0]


async def seen(transaction: Transaction, caller: Caller, id: str) -> model.Group:
    """The row of a group that the caller sees: its own, or shared with it. SecurityGroupNotFound."""
    group = await rows.get(transaction, tables.groups, model.Group, id)
    if group is None or not await sharing.may_use(transaction, caller, group.project_id, id):
        raise errors.SecurityGroupNotFound(id)
    return group


async def update_group(transaction: Transaction, caller: Caller, id: str, wish: wire.GroupUpdate) -> model.GroupView:
    """Change a group. SecurityGroupCannotUpdateDefault: the name ``default`` stays. SecurityGroupInUse: whether it is
    stateful stays while ports are in it, whose other groups could be of the other kind."""
    group = await seen(transaction, caller, id)
    access.own(caller, group.project_id, "update_security_group")
    values = given(wish)
    turned = values.get("stateful", group.stateful) != group.stateful
    if turned:
        await store.close(transaction, id)
    if turned and await rows.exists(transaction, tables.memberships, tables.memberships.c.group_id == id):
        raise errors.SecurityGroupInUse(id)
    if group.is_default and values.get("name", group.name) != group.name:
        raise errors.SecurityGroupCannotUpdateDefault
    if not group.is_default:
        _named(values.get("name"))
    changed = msgspec.structs.replace(
        group, **values, updated_at=clock.now(), revision_number=group.revision_number + 1
    )
    await rows.change(transaction, tables.groups, id, **rows.differing(group, changed))
    if turned:
        await rows.wish(transaction, tables.groups, [id], model.Kind.GROUP)
    return (await _views(transaction, caller, [changed]))[0]


async def delete_group(transaction: Transaction, caller: Caller, id: str) -> None:
    """Delete a group and its rules. SecurityGroupInUse, SecurityGroupCannotRemoveDefault."""
    group = await seen(transaction, caller, id)
    access.own(caller, group.project_id, "delete_security_group")
    if group.is_default and not caller.is_admin:
        raise errors.SecurityGroupCannotRemoveDefault
    if await rows.exists(transaction, tables.memberships, tables.memberships.c.group_id == id):
        raise errors.SecurityGroupInUse(id)
    if await _is_remote(transaction, id):
        raise errors.SecurityGroupInUse(id, "is named as the remote group by a rule of another one")
    await _remove(transaction, id)


async def discard_group(transaction: Transaction, id: str) -> None:
    """Delete a group that was made for a device, unless its owner uses it elsewhere by now. Repeatable."""
    used = await rows.exists(transaction, tables.memberships, tables.memberships.c.group_id == id)
    if not used and not await _is_remote(transaction, id):
        await _remove(transaction, id)


async def _is_remote(transaction: Transaction, id: str) -> bool:
    """Whether a rule of another group names this one."""
    rules = tables.rules
    return await rows.exists(transaction, rules, rules.c.remote_group_id == id, rules.c.security_group_id != id)


async def _remove(transaction: Transaction, id: str) -> None:
    rules = tables.rules
    remotes = {
        rule.remote_group_id for rule in (await store.rules_of(transaction, [id])).get(id, []) if rule.remote_group_id
    }
    await transaction.execute(rules.delete().where(rules.c.security_group_id == id))
    await rbac.drop(transaction, id)
    await rows.delete(transaction, tables.groups, id)
    await removals.add(transaction, model.Removal(model.Kind.GROUP, id, "", ""))
    await rows.wish(transaction, tables.groups, remotes - {id}, model.Kind.GROUP)


async def members_changed(transaction: Transaction, group_ids: Iterable[str]) -> None:
    """Ports joined or left these groups, or changed addresses: the kernel cares where a rule names the group."""
    named = await store.named_as_remote(transaction, group_ids)
    await rows.wish(transaction, tables.groups, named, model.Kind.GROUP)


async def chosen(transaction: Transaction, caller: Caller, project_id: str, ids: Sequence[str]) -> tuple[str, ...]:
    """The groups asked for a port. InvalidInput: one of them twice. SecurityGroupNotFound: not there, or another project's that
    does not share it. SecurityGroupConflict: some are stateful, some are not."""
    wanted = tuple(dict.fromkeys(ids))
    if len(wanted) < len(ids):
        raise errors.InvalidInput("A security group stands in the list more than once", field="security_groups")
    found = await store.joined(transaction, wanted)
    allowed = {group.id for group in found if caller.is_admin or group.project_id == project_id}
    if len(allowed) < len(found):
        allowed |= await rbac.shared(transaction, wanted, project_id)
    for id in wanted:
        if id not in allowed:
            raise errors.SecurityGroupNotFound(id)
    if len({group.stateful for group in found}) > 1:
        raise errors.SecurityGroupConflict(
            "Cannot apply both stateful and stateless security groups on the same port at the same time"
        )
    return wanted


async def create_rule(
    transaction: Transaction, caller: Caller, settings: Settings, wish: wire.RuleCreate
) -> model.Rule:
    """A new rule. SecurityGroupNotFound, SecurityGroupRuleExists, SecurityGroupRuleInvalid, OverQuota."""
    group = await seen(transaction, caller, wish.security_group_id)
    access.own(caller, group.project_id, "create_security_group_rule")
    project_id = access.owner(caller, wish, "create_security_group_rule") if wish.owner else group.project_id
    access.own(caller, project_id, "create_security_group_rule")
    rule = read_rule(wish, project_id)
    if rule.remote_group_id:
        await seen(transaction, caller, rule.remote_group_id)
    same = await store.same_rule(transaction, rule)
    if same:
        raise errors.SecurityGroupRuleExists(same)
    await access.quota(transaction, settings, "security_group_rule", project_id)
    await rows.insert(transaction, tables.rules, rule)
    await rows.revise(transaction, tables.groups, group.id)
    touched = {group.id} | ({rule.remote_group_id} if rule.remote_group_id else set())
    await rows.wish(transaction, tables.groups, touched, model.Kind.GROUP)
    return rule


def read_rule(wish: wire.RuleCreate, project_id: str) -> model.Rule:
    """A rule as it is stored, checked in itself. SecurityGroupRuleInvalid and its leaves."""
    ethertype = _ethertype(wish.ethertype)
    protocol = _protocol(wish.protocol)
    if protocol in _ONLY_V6 and ethertype != "IPv6":
        raise errors.SecurityGroupEthertypeConflictWithProtocol(ethertype, str(protocol))
    _check_ports(wish, protocol)
    if wish.remote_ip_prefix and wish.remote_group_id:
        raise errors.SecurityGroupMultipleRemoteEntites
    now = clock.now()
    return model.Rule(
        id=new_id(),
        project_id=project_id,
        security_group_id=wish.security_group_id,
        direction=wish.direction,
        ethertype=ethertype,
        protocol=protocol,
        port_range_min=wish.ports[0],
        port_range_max=wish.ports[1],
        remote_ip_prefix=_remote(wish.remote_ip_prefix, ethertype),
        remote_group_id=wish.remote_group_id or None,
        description=wish.description,
        created_at=now,
        updated_at=now,
        revision_number=0,
        written_prefix=str(ipaddress.ip_interface(wish.remote_ip_prefix)) if wish.remote_ip_prefix else None,
    )


def _ethertype(asked: str | None) -> str:
    found = {"ipv4": "IPv4", "ipv6": "IPv6"}.get((asked or "IPv4").lower())
    if found is None:
        raise errors.InvalidInput(
            f"Security group rule for ethertype '{asked}' not supported. Allowed values are IPv4 and IPv6.",
            field="ethertype",
        )
    return found


def _protocol(asked: str | int | None) -> str | None:
    """A name in lower case or a number as text; None for any."""
    text = str(asked).lower() if asked is not None else None
    if text in _ANY or text in model.PROTOCOLS:
        return None if text in _ANY else text
    if text is not None and text.isascii() and text.isdigit() and int(text) <= 255:
        return str(int(text))
    raise errors.SecurityGroupRuleInvalidProtocol(asked)


def _check_ports(wish: wire.RuleCreate, protocol: str | None) -> None:
    """Ports belong to protocols that have them; for ICMP they are type and code."""
    low, high = wish.ports
    if low is None and high is None:
        return
    for field, value in (("port_range_min", low), ("port_range_max", high)):
        if value is not None and value < 0:
            raise errors.SecurityGroupInvalidPortValue(field, value)
    if protocol is None:
        raise errors.SecurityGroupProtocolRequiredWithPorts
    if model.protocol_number(protocol) in _ICMP:
        _check_icmp(low, high)
    elif model.protocol_number(protocol) not in _PORTS:
        raise errors.SecurityGroupInvalidProtocolForPort(protocol)
    elif low == 0 or high == 0:
        raise errors.SecurityGroupInvalidPortValue("port_range_min" if low == 0 else "port_range_max", 0)
    elif low is None or high is None or low > high:
        raise errors.SecurityGroupInvalidPortRange


def _check_icmp(kind: int | None, code: int | None) -> None:
    if kind is None and code is not None:
        raise errors.SecurityGroupMissingIcmpType(code)
    for field, attribute, value in (("port_range_min", "type", kind), ("port_range_max", "code", code)):
        if value is not None and value > 255:
            raise errors.SecurityGroupInvalidIcmpValue(field, attribute, value)


def _remote(asked: str | None, ethertype: str) -> str | None:
    """The remote range, canonical; an address alone is a range of one."""
    if not asked:
        return None
    text = asked if "/" in asked else f"{asked}/{32 if '.' in asked and ':' not in asked else 128}"
    found = checks.prefix(text, "remote_ip_prefix")
    wanted = ipaddress.IPv4Network if ethertype == "IPv4" else ipaddress.IPv6Network
    if not isinstance(found, wanted):
        raise errors.SecurityGroupRuleParameterConflict(ethertype, asked)
    return str(found)


async def list_rules(transaction: Transaction, caller: Caller, query: Query) -> tuple[list[model.Rule], listing.Page]:
    """The rules that the caller sees: its own, and those that an admin gave its groups."""
    mine = [] if caller.is_admin else [store.rule_visible(caller.project_id)]
    return await access.listed(transaction, query, (tables.rules, model.Rule, store.RULE_COLUMNS), mine)


async def get_rule(transaction: Transaction, caller: Caller, id: str) -> model.Rule:
    """One rule. SecurityGroupRuleNotFound."""
    rule = await rows.get(transaction, tables.rules, model.Rule, id)
    if rule is None:
        raise errors.SecurityGroupRuleNotFound(id)
    if not (
        caller.sees(rule.project_id)
        or caller.sees(await rows.project(transaction, tables.groups, rule.security_group_id))
    ):
        raise errors.SecurityGroupRuleNotFound(id)
    return rule


async def delete_rule(transaction: Transaction, caller: Caller, id: str) -> None:
    """Delete a rule; flows that only it allowed are cut."""
    rule = await get_rule(transaction, caller, id)
    await rows.delete(transaction, tables.rules, id)
    await rows.revise(transaction, tables.groups, rule.security_group_id)
    touched = {rule.security_group_id} | ({rule.remote_group_id} if rule.remote_group_id else set())
    await rows.wish(transaction, tables.groups, touched, model.Kind.GROUP)
