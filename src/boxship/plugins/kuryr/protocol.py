"""The bodies of the 21 calls, as libnetwork writes and reads them (moby, libnetwork/drivers/remote/api and
libnetwork/ipams/remote/api). What Docker may add in later versions is skipped; what it means is said elsewhere."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, field

Id = Annotated[str, Meta(pattern=r"^[A-Za-z0-9]{1,64}\Z")]
"""An id of Docker: 64 hexadecimal digits; Swarm's are 25 letters and digits."""
Text = Annotated[str, Meta(max_length=255)]
Named = dict[str, object]
"""Options: of names and of what Docker or its user says under them."""
Words = dict[str, str]

GENERIC = "com.docker.network.generic"
INTERNAL = "com.docker.network.internal"
GATEWAY = "com.docker.network.gateway"
MTU = "com.docker.network.driver.mtu"
MAC = "com.docker.network.endpoint.macaddress"
EXPOSED = "com.docker.network.endpoint.exposedports"
ADDRESS_TYPE = "RequestAddressType"


class Activation(msgspec.Struct, frozen=True):
    """Which protocols the plugin speaks."""

    implements: tuple[str, ...] = field(name="Implements", default=("NetworkDriver", "IpamDriver"))


class NetworkCapabilities(msgspec.Struct, frozen=True):
    """``Scope``: whether a network is this engine's (local) or all engines' of a Swarm (global)."""

    scope: str = field(name="Scope")


class Range(msgspec.Struct, frozen=True):
    """What IPAM gave a network: a range, the gateway and further addresses in it, each with its prefix length."""

    pool: Text = field(name="Pool", default="")
    gateway: Text = field(name="Gateway", default="")
    auxiliary: Words | None = field(name="AuxAddresses", default=None)


class CreateNetwork(msgspec.Struct, frozen=True):
    """A network with the ranges that IPAM gave; the user's options are under ``com.docker.network.generic``."""

    network_id: Id = field(name="NetworkID")
    options: Named | None = field(name="Options", default=None)
    ipv4: tuple[Range, ...] | None = field(name="IPv4Data", default=())
    ipv6: tuple[Range, ...] | None = field(name="IPv6Data", default=())


class NetworkCall(msgspec.Struct, frozen=True):
    """A call about a network."""

    network_id: Id = field(name="NetworkID")


class AllocateNetwork(msgspec.Struct, frozen=True):
    """A network of a Swarm, asked of its manager."""

    options: Words | None = field(name="Options", default=None)


class Allocated(msgspec.Struct, frozen=True):
    """What CreateNetwork is to be told on each host."""

    options: Words = field(name="Options")


class Interface(msgspec.Struct, frozen=True, omit_defaults=True):
    """Addresses with prefix lengths; empty where they are not said."""

    address: Text = field(name="Address", default="")
    address_v6: Text = field(name="AddressIPv6", default="")
    mac: Text = field(name="MacAddress", default="")


class CreateEndpoint(msgspec.Struct, frozen=True):
    """An endpoint with the addresses that IPAM gave."""

    network_id: Id = field(name="NetworkID")
    endpoint_id: Id = field(name="EndpointID")
    interface: Interface | None = field(name="Interface", default=None)
    options: Named | None = field(name="Options", default=None)


class Endpoint(msgspec.Struct, frozen=True):
    """What an endpoint has that Docker did not say."""

    interface: Interface = field(name="Interface")


class EndpointCall(msgspec.Struct, frozen=True):
    """A call about an endpoint."""

    network_id: Id = field(name="NetworkID")
    endpoint_id: Id = field(name="EndpointID")
    options: Named | None = field(name="Options", default=None)


class Values(msgspec.Struct, frozen=True):
    """Whatever a driver knows of an endpoint."""

    value: Words = field(name="Value")


class InterfaceName(msgspec.Struct, frozen=True):
    """The device to take, and what the ones in the container begin with."""

    source: str = field(name="SrcName")
    prefix: str = field(name="DstPrefix", default="eth")


class StaticRoute(msgspec.Struct, frozen=True):
    """A route by way of another host (type 0)."""

    destination: str = field(name="Destination")
    next_hop: str = field(name="NextHop")
    kind: int = field(name="RouteType", default=0)


class Joined(msgspec.Struct, frozen=True):
    """``DisableGatewayService``: Docker adds no network of its own as the way out."""

    name: InterfaceName = field(name="InterfaceName")
    gateway: str = field(name="Gateway", default="")
    gateway_v6: str = field(name="GatewayIPv6", default="")
    routes: tuple[StaticRoute, ...] = field(name="StaticRoutes", default=())
    no_gateway_service: bool = field(name="DisableGatewayService", default=True)


class IpamCapabilities(msgspec.Struct, frozen=True):
    """``RequiresMACAddress``: Docker says the MAC with the wish for an address, so that both families meet in one port."""

    mac: bool = field(name="RequiresMACAddress", default=True)


class AddressSpaces(msgspec.Struct, frozen=True):
    """Names of the spaces in which ranges must not overlap; Neutron's networks keep them apart, so these say nothing."""

    local: str = field(name="LocalDefaultAddressSpace", default="kuryr")
    everywhere: str = field(name="GlobalDefaultAddressSpace", default="kuryr-global")


class RequestPool(msgspec.Struct, frozen=True):
    """A range for a network: a certain one or any, and the part of it that containers are to have."""

    pool: Text = field(name="Pool", default="")
    part: Text = field(name="SubPool", default="")
    options: Words | None = field(name="Options", default=None)
    v6: bool = field(name="V6", default=False)


class PoolAnswer(msgspec.Struct, frozen=True):
    """The range; in ``Data`` the gateway, where it is fixed."""

    pool_id: str = field(name="PoolID")
    pool: str = field(name="Pool")
    data: Words = field(name="Data", default_factory=dict)


class PoolCall(msgspec.Struct, frozen=True):
    """A call about a range."""

    pool_id: Text = field(name="PoolID")


class RequestAddress(msgspec.Struct, frozen=True):
    """An address of a range: a certain one or any."""

    pool_id: Text = field(name="PoolID")
    address: Text = field(name="Address", default="")
    options: Words | None = field(name="Options", default=None)


class AddressAnswer(msgspec.Struct, frozen=True):
    """The address, with its prefix length."""

    address: str = field(name="Address")


class ReleaseAddress(msgspec.Struct, frozen=True):
    """An address that is needed no more."""

    pool_id: Text = field(name="PoolID")
    address: Text = field(name="Address")


class Exposed(msgspec.Struct, frozen=True):
    """A port that a container says it serves: the number of the protocol, and of the port."""

    protocol: Annotated[int, Meta(ge=0, le=255)] = field(name="Proto")
    port: Annotated[int, Meta(ge=0, le=65535)] = field(name="Port")
