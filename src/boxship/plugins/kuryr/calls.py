"""The calls of Docker, each on a line: what it reads, and what answers it. Bodies in, bodies out; knows no HTTP."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from boxship.core import errors
from boxship.plugins.kuryr import addresses, protocol
from boxship.plugins.kuryr.endpoints import Endpoints
from boxship.plugins.kuryr.host import Host, Pending
from boxship.plugins.kuryr.networks import Networks
from boxship.plugins.kuryr.neutron import Neutron
from boxship.plugins.kuryr.pools import Pools


@dataclass(frozen=True, slots=True)
class Call:
    """A call: the type of its body and what answers it."""

    body: type[msgspec.Struct]
    answer: Callable[[Neutron, Any], msgspec.Struct]

    def read(self, content: bytes) -> msgspec.Struct:
        """The body of a request; an empty one is ``{}``. BadRequest: it is none for this call."""
        try:
            return msgspec.json.decode(content or b"{}", type=self.body)
        except (msgspec.DecodeError, RecursionError) as error:
            raise errors.BadRequest(f"The body cannot be read: {error}.") from error


def calls(host: Host) -> Mapping[str, Call]:
    """All calls of the two protocols, by their paths."""
    pending = Pending()
    pools = Pools(host, pending)
    networks = Networks(host, pending, pools)
    endpoints = Endpoints(host)
    nothing = _always(protocol.Nothing())
    return {
        "/Plugin.Activate": Call(protocol.Nothing, _always(protocol.Activation())),
        "/NetworkDriver.GetCapabilities": Call(protocol.Nothing, _always(protocol.NetworkCapabilities(host.scope))),
        "/NetworkDriver.DiscoverNew": Call(protocol.Nothing, nothing),
        "/NetworkDriver.DiscoverDelete": Call(protocol.Nothing, nothing),
        "/NetworkDriver.AllocateNetwork": Call(protocol.AllocateNetwork, _allocated),
        "/NetworkDriver.FreeNetwork": Call(protocol.Nothing, nothing),
        "/NetworkDriver.CreateNetwork": Call(protocol.CreateNetwork, networks.create),
        "/NetworkDriver.DeleteNetwork": Call(protocol.NetworkCall, networks.delete),
        "/NetworkDriver.CreateEndpoint": Call(protocol.CreateEndpoint, endpoints.create),
        "/NetworkDriver.EndpointOperInfo": Call(protocol.EndpointCall, endpoints.info),
        "/NetworkDriver.DeleteEndpoint": Call(protocol.EndpointCall, endpoints.delete),
        "/NetworkDriver.Join": Call(protocol.EndpointCall, endpoints.join),
        "/NetworkDriver.Leave": Call(protocol.EndpointCall, nothing),  # the device goes with the endpoint
        "/NetworkDriver.ProgramExternalConnectivity": Call(protocol.EndpointCall, endpoints.expose),
        # What is exposed stays so until the endpoint goes: Docker also calls this when another network leads outside.
        "/NetworkDriver.RevokeExternalConnectivity": Call(protocol.EndpointCall, nothing),
        "/IpamDriver.GetCapabilities": Call(protocol.Nothing, _always(protocol.IpamCapabilities())),
        "/IpamDriver.GetDefaultAddressSpaces": Call(protocol.Nothing, _always(protocol.AddressSpaces())),
        "/IpamDriver.RequestPool": Call(protocol.RequestPool, pools.request),
        "/IpamDriver.RequestAddress": Call(protocol.RequestAddress, addresses.request),
        "/IpamDriver.ReleasePool": Call(protocol.PoolCall, pools.release),
        "/IpamDriver.ReleaseAddress": Call(protocol.ReleaseAddress, addresses.release),
    }


def _always(answer: msgspec.Struct) -> Callable[[Neutron, Any], msgspec.Struct]:
    """What is answered without asking anybody."""
    return lambda _neutron, _call: answer


def _allocated(neutron: Neutron, call: protocol.AllocateNetwork) -> msgspec.Struct:
    """Swarm's manager asks this; the options go to CreateNetwork on each host."""
    del neutron
    return protocol.Allocated(call.options or {})
