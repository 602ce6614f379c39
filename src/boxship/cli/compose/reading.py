"""From a Compose file to what it describes (``model``): names, networks, volumes, secrets and configs. Its services are
read in ``services``. Asks no cloud anything."""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from boxship.cli.compose import files, model, services
from boxship.cli.compose.context import DEFAULT, KEY, Context
from boxship.cli.compose.fields import Field, Map
from boxship.cli.failure import Failure

_LARGEST_VOLUME = 1 << 20


def project_name(given: str | None, document: Map, directory: Path, environment: Mapping[str, str]) -> str:
    """How the project is called: as it is said, by COMPOSE_PROJECT_NAME, by the file, or like the directory. Failure: a stack
    cannot be called so."""
    own = document.get("name")
    found = given or environment.get("COMPOSE_PROJECT_NAME") or (own.text() if own else "")
    found = found or re.sub(r"^[^a-z0-9]+|[^a-z0-9_-]", "", directory.resolve().name.lower())
    if not re.fullmatch(r"[a-z][a-z0-9_-]{1,62}", found):
        raise Failure(
            f"{found!r} cannot be the name of a project: lower-case letters, digits, - and _, a letter first, 2 to 63 of them. "
            "Choose one with -p."
        )
    return found


def read(document: Mapping[str, Any], name: str, context: Context) -> model.Project:
    """The project that the document, with its variables filled in, describes. Wrong."""
    top = Map(document, "").checked(model.TOP, model.TOP_UNHONOURED, context.notes)
    _read_contents(top, "secrets", context)
    _read_contents(top, "configs", context)
    networks = _networks(top, name, context)
    volumes = _volumes(top, name, context)
    given = top.get("services")
    if given is None or not given.map().value:
        raise files.Wrong("services", "there are none.")
    found = services.read(given.map(), networks, volumes, context)
    used = {plug.network for service in found.values() for plug in service.plugs}
    if DEFAULT in used and DEFAULT not in networks:
        networks[DEFAULT] = model.Network(DEFAULT, f"{name}_{DEFAULT}")
    held = {mount.volume for service in found.values() for mount in service.mounts}
    return model.Project(
        name,
        found,
        _ranged({key: network for key, network in networks.items() if key in used}),
        {key: volume for key, volume in volumes.items() if key in held},
    )


def section(top: Map, name: str) -> list[tuple[str, Field]]:
    """The entries of a section, by key. Wrong: a key cannot be one."""
    given = top.get(name)
    if given is None:
        return []
    found = list(given.map())
    for key, entry in found:
        if not re.fullmatch(KEY, key):
            raise entry.wrong("a name has letters, digits, '.', '-' and '_'.")
    return found


def _external(entry: Map, key: str, own: str) -> tuple[bool, str]:
    """Whether it is there already, and its name in the cloud."""
    external, named = entry.get("external"), entry.get("name")
    if external is not None and external.is_map():  # the form of before
        inner = external.map().get("name")
        return True, inner.text() if inner else key
    is_there = external is not None and external.flag()
    return is_there, named.text() if named else key if is_there else own


def _networks(top: Map, project: str, context: Context) -> dict[str, model.Network]:
    found = {}
    known = {"name", "external", "internal", "ipam", "driver", "attachable", "enable_ipv4", "enable_ipv6"}
    ignored = {"driver_opts": "networks of the cloud have no such options.", "labels": "networks have no labels."}
    for key, each in section(top, "networks"):
        entry = (each if each.value is not None else Field({}, each.path)).map().checked(known, ignored, context.notes)
        external, name = _external(entry, key, f"{project}_{key}")
        internal, ipam, driver = entry.get("internal"), entry.get("ipam"), entry.get("driver")
        if driver is not None and driver.text() not in {"bridge", "overlay", "default"}:
            context.notes.add(driver.path, "networks are those of the cloud, whatever the driver.")
        if (six := entry.get("enable_ipv6")) is not None and six.flag():
            context.notes.add(six.path, "networks of projects have IPv4 only; make one and name it as external.")
        ranges = _range(ipam, context) if ipam and not external else None
        found[key] = model.Network(key, name, external, bool(internal and internal.flag()), ranges)
    return found


def _range(ipam: Field, context: Context) -> model.Range | None:
    """The IPv4 range that a network is to have."""
    config = ipam.map().checked({"driver", "config"}, {"options": "there are none."}, context.notes).get("config")
    found = None
    for each in config.items() if config else ():
        entry = each.map().checked(
            {"subnet", "gateway", "ip_range"}, {"aux_addresses": "addresses are not kept free."}, context.notes
        )
        subnet = entry.get("subnet")
        if subnet is None:
            continue
        cidr = _cidr(subnet)
        if cidr is None or found is not None:
            context.notes.add(subnet.path, "a network of a project has one range, of IPv4.")
            continue
        gateway, inner = entry.get("gateway"), entry.get("ip_range")
        if gateway is not None and not _is_in(gateway.text(), cidr):
            raise gateway.wrong(f"{gateway.value!r} is no address in {cidr}.")
        pool = None
        if inner is not None:
            some = _cidr(inner)
            if some is None or not some.subnet_of(cidr):
                raise inner.wrong(f"{inner.value} is not in {cidr}.")
            pool = _usable(some, cidr, gateway.text() if gateway else "")
        found = model.Range(str(cidr), gateway.text() if gateway else "", pool)
    return found


def _is_in(address: str, cidr: ipaddress.IPv4Network) -> bool:
    try:
        return ipaddress.IPv4Address(address) in cidr
    except ValueError:
        return False


def _usable(some: ipaddress.IPv4Network, cidr: ipaddress.IPv4Network, gateway: str) -> tuple[str, str]:
    """The first and the last address of a part of a range that a container may have."""
    taken = {cidr.network_address, cidr.broadcast_address, ipaddress.IPv4Address(gateway) if gateway else cidr[1]}
    first, last = some[0], some[-1]
    while first in taken and first < last:
        first += 1
    while last in taken and first < last:
        last -= 1
    return str(first), str(last)


def _cidr(given: Field) -> ipaddress.IPv4Network | None:
    """A range of IPv4; None: it is one of IPv6."""
    try:
        found = ipaddress.ip_network(given.text())
    except ValueError as error:
        raise given.wrong(f"{given.value!r} is no range of addresses, such as 10.5.0.0/24.") from error
    return found if isinstance(found, ipaddress.IPv4Network) else None


def _ranged(networks: dict[str, model.Network]) -> dict[str, model.Network]:
    """Each network of the project with a range; those that say none get one that follows from the name, so that others that come
    and go change nothing."""
    taken = [
        ipaddress.ip_network(network.range.cidr)
        for network in networks.values()
        if network.range and not network.external
    ]
    found = dict(networks)
    for key in sorted(networks):
        network = networks[key]
        if network.external or network.range:
            continue
        at = int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big")
        while True:
            cidr = ipaddress.ip_network(f"10.{128 + at // 256 % 64}.{at % 256}.0/24")
            if not any(cidr.overlaps(other) for other in taken):
                break
            at += 1
        taken.append(cidr)
        found[key] = replace(network, range=model.Range(str(cidr)))
    return found


def _volumes(top: Map, project: str, context: Context) -> dict[str, model.Volume]:
    found = {}
    known = {"name", "external", "driver", "driver_opts", "labels"}
    for key, each in section(top, "volumes"):
        entry = (each if each.value is not None else Field({}, each.path)).map().checked(known, {}, context.notes)
        external, name = _external(entry, key, f"{project}_{key}")
        driver, options = entry.get("driver"), entry.get("driver_opts")
        if driver is not None and driver.text() != "local":
            context.notes.add(driver.path, "volumes are those of the cloud, whatever the driver.")
        if (labels := entry.get("labels")) is not None and labels.value:
            context.notes.add(labels.path, "volumes have no labels.")
        size = 1
        for option, value in options.map() if options else ():
            if option == "size" and not external:
                size = _gibibytes(value)
            else:
                context.notes.add(
                    value.path, "of a volume only its size can be chosen, and of one that is not there yet."
                )
        found[key] = model.Volume(key, name, external, size)
    return found


def _gibibytes(given: Field) -> int:
    """A size in GiB, rounded up; a number alone is GiB already, as everywhere in the cloud."""
    size = given.size()
    found = size if given.text().isdigit() else -(-size >> 30)
    if not 1 <= found <= _LARGEST_VOLUME:
        raise given.wrong(f"{given.value!r} is no size of a volume, such as 10 or 10g (GiB).")
    return found


def _read_contents(top: Map, name: str, context: Context) -> None:
    """Secrets or configs, each from a file, a variable or (configs) as text."""
    known = {"file", "environment", "name", *(["content"] if name == "configs" else [])}
    ignored = {
        "labels": "they have none.",
        "driver": "there is none.",
        "driver_opts": "there are none.",
        "template_driver": "there is none.",
    }
    for key, each in section(top, name):
        entry = each.map().checked({*known, "external"}, ignored, context.notes)
        external = entry.get("external")
        if external is not None and (external.is_map() or external.flag()):
            raise external.wrong(f"the cloud keeps no {name}; give a file or a variable of the environment.")
        given = [entry.get(source) for source in ("file", "environment", "content")]
        sources = [source for source in given if source is not None]
        if len(sources) != 1:
            raise each.wrong(f"it has to have one of {', '.join(sorted(known - {'name'}))}.")
        context.contents[name, key] = _content(sources[0], context)


def _content(source: Field, context: Context) -> bytes:
    if source.path.endswith(".file"):
        return context.content(source)
    if source.path.endswith(".content"):
        return (source.plain() or "").encode()
    value = context.variables.values.get(source.text())
    if value is None:
        raise source.wrong(f"the variable {source.value} is not set.")
    return value.encode()
