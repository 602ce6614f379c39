"""What a tenant needs around a container, found or made through the network and volume APIs. ``ensure_x`` answers with the
thing and whether it was made just now; asking again changes nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from boxship.cli.api import Cloud, RequestFailed
from boxship.cli.failure import Exit, Failure

NETWORK, VOLUME = "network", "block-storage"
Found = tuple[dict[str, Any], bool]


@dataclass(frozen=True, slots=True)
class PublishedPort:
    """A port that connections from outside may reach; ``protocol`` is ``tcp`` or ``udp``."""

    number: int
    protocol: str = "tcp"


def find_network(cloud: Cloud, name: str) -> dict[str, Any] | None:
    """The network with this id or name that the tenant can use: an own one before a shared one.

    Failure: several own networks have the name.
    """
    found = _listed(cloud, "networks", id=name) or _listed(cloud, "networks", name=name)
    own = [network for network in found if network["project_id"] == cloud.project_id]
    if len(own) > 1:
        raise Failure(f"Several networks have the name {name}; use the id.")
    return next(iter(own or found), None)


def own_networks(cloud: Cloud) -> list[dict[str, Any]]:
    """The tenant's own networks that have a subnet, to choose one when none is named."""
    found = _listed(cloud, "networks", project_id=cloud.project_id)
    return [network for network in found if network["subnets"]]


def ensure_network(cloud: Cloud, name: str, cidr: str) -> Found:
    """A network of this name; a new one gets a subnet with these addresses."""
    network = find_network(cloud, name)
    made = network is None
    if network is None:
        network = cloud.post(NETWORK, "/v2.0/networks", {"network": {"name": name}})["network"]
    if not _listed(cloud, "subnets", network_id=network["id"]):
        subnet = {"network_id": network["id"], "name": name, "ip_version": 4, "cidr": cidr}
        cloud.post(NETWORK, "/v2.0/subnets", {"subnet": subnet})
        made = True
    return network, made


def ensure_router(cloud: Cloud, network: dict[str, Any], name: str) -> Found:
    """A router that leads from the network to the outside. Failure: there is no outside, or no subnet."""
    outside = {"network_id": _external_network(cloud)["id"]}
    legs = _listed(cloud, "ports", network_id=network["id"], device_owner="network:router_interface")
    if legs:
        router = cloud.get(NETWORK, f"/v2.0/routers/{legs[0]['device_id']}")["router"]
        if router["external_gateway_info"]:
            return router, False
        cloud.put(NETWORK, f"/v2.0/routers/{router['id']}", {"router": {"external_gateway_info": outside}})
        return router, True
    known = _listed(cloud, "routers", name=name, project_id=cloud.project_id)
    if known:
        router = known[0]
    else:
        wish = {"router": {"name": name, "external_gateway_info": outside}}
        router = cloud.post(NETWORK, "/v2.0/routers", wish)["router"]
    for subnet in _listed(cloud, "subnets", network_id=network["id"]):
        cloud.put(NETWORK, f"/v2.0/routers/{router['id']}/add_router_interface", {"subnet_id": subnet["id"]})
    return router, True


def ensure_group(cloud: Cloud, name: str, ports: Iterable[PublishedPort]) -> Found:
    """A security group of this name that lets connections from anywhere reach the ports."""
    found = _listed(cloud, "security-groups", name=name, project_id=cloud.project_id)
    made = not found
    if made:
        wish = {"name": name, "description": "Ports that are open to everybody; made by the boxship command."}
        group = cloud.post(NETWORK, "/v2.0/security-groups", {"security_group": wish})["security_group"]
    else:
        group = found[0]
    for port in ports:
        made = _ensure_rule(cloud, group, port) or made
    return group, made


def _ensure_rule(cloud: Cloud, group: dict[str, Any], port: PublishedPort) -> bool:
    """Whether the rule had to be made."""
    wish = {
        "direction": "ingress",
        "ethertype": "IPv4",
        "protocol": port.protocol,
        "port_range_min": port.number,
        "port_range_max": port.number,
    }
    if any(all(rule[name] == value for name, value in wish.items()) for rule in group["security_group_rules"]):
        return False
    body = {"security_group_rule": {**wish, "security_group_id": group["id"]}}
    cloud.post(NETWORK, "/v2.0/security-group-rules", body)
    return True


def ensure_floating_ip(cloud: Cloud, port_id: str, description: str) -> Found:
    """A floating IP for the port; a new one carries the description."""
    found = _listed(cloud, "floatingips", port_id=port_id)
    if found:
        return found[0], False
    wish = {"floating_network_id": _external_network(cloud)["id"], "port_id": port_id, "description": description}
    return cloud.post(NETWORK, "/v2.0/floatingips", {"floatingip": wish})["floatingip"], True


def floating_ips(cloud: Cloud) -> list[dict[str, Any]]:
    """The tenant's floating IPs."""
    return _listed(cloud, "floatingips")


def delete(cloud: Cloud, kind: str, id: str) -> None:
    """Delete something of the network service; it may be gone already. ``kind`` as in the path."""
    try:
        cloud.delete(NETWORK, f"/v2.0/{kind}/{id}")
    except RequestFailed as error:
        if error.status != 404:
            raise


def find_volume(cloud: Cloud, name: str) -> dict[str, Any] | None:
    """The tenant's volume with this id or name. Failure: several have the name."""
    volumes = cloud.get(VOLUME, "/volumes/detail", name=name)["volumes"]
    if len(volumes) > 1:
        raise Failure(f"Several volumes have the name {name}; use the id.")
    if volumes:
        return dict(volumes[0])
    everything = cloud.get(VOLUME, "/volumes/detail")["volumes"]
    return next((volume for volume in everything if volume["id"] == name), None)


def ensure_volume(cloud: Cloud, name: str, size: int) -> Found:
    """A volume of this name; a new one has ``size`` GB."""
    found = find_volume(cloud, name)
    if found is not None:
        return found, False
    return cloud.post(VOLUME, "/volumes", {"volume": {"name": name, "size": size}})["volume"], True


def delete_volume(cloud: Cloud, id: str) -> None:
    """Delete a volume with its data."""
    cloud.delete(VOLUME, f"/volumes/{id}")


def _external_network(cloud: Cloud) -> dict[str, Any]:
    found = _listed(cloud, "networks", **{"router:external": True})
    if not found:
        raise Failure("This cloud has no external network, so nothing can be reached from outside.", Exit.NOT_FOUND)
    return found[0]


def _listed(cloud: Cloud, kind: str, **query: object) -> list[dict[str, Any]]:
    rows = cloud.get(NETWORK, f"/v2.0/{kind}", **query)[kind.replace("-", "_")]
    assert isinstance(rows, list)
    return rows
