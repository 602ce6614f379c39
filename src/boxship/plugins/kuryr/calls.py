"""The calls of Docker, each on a line: what it reads, and what answers it. Bodies in, bodies out; knows no HTTP."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from boxship.plugins.docker.calls import Call, Nothing, always
from boxship.plugins.docker.server import Plugin
from boxship.plugins.kuryr import addresses, protocol
from boxship.plugins.kuryr.endpoints import Endpoints
from boxship.plugins.kuryr.host import Host, Pending
from boxship.plugins.kuryr.networks import Networks
from boxship.plugins.kuryr.neutron import Cloud, Neutron
from boxship.plugins.kuryr.pools import Pools


def plugin(host: Host, cloud: Cloud) -> Plugin[Neutron]:
    """The plugin of this host, as a client of this cloud."""
    return Plugin(calls(host), cloud.neutron, host.timeout)


def calls(host: Host) -> Mapping[str, Call[Neutron]]:
    """All calls of the two protocols, by their paths."""
    pending = Pending()
    pools = Pools(host, pending)
    networks = Networks(host, pending, pools)
    endpoints = Endpoints(host)
    nothing = always(Nothing())
    return {
        "/Plugin.Activate": Call(Nothing, always(protocol.Activation())),
        "/NetworkDriver.GetCapabilities": Call(Nothing, always(protocol.NetworkCapabilities(host.scope))),
        "/NetworkDriver.DiscoverNew": Call(Nothing, nothing),
        "/NetworkDriver.DiscoverDelete": Call(Nothing, nothing),
        "/NetworkDriver.AllocateNetwork": Call(protocol.AllocateNetwork, _allocated),
        "/NetworkDriver.FreeNetwork": Call(Nothing, nothing),
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
        "/IpamDriver.GetCapabilities": Call(Nothing, always(protocol.IpamCapabilities())),
        "/IpamDriver.GetDefaultAddressSpaces": Call(Nothing, always(protocol.AddressSpaces())),
        "/IpamDriver.RequestPool": Call(protocol.RequestPool, pools.request),
        "/IpamDriver.RequestAddress": Call(protocol.RequestAddress, addresses.request),
        "/IpamDriver.ReleasePool": Call(protocol.PoolCall, pools.release),
        "/IpamDriver.ReleaseAddress": Call(protocol.ReleaseAddress, addresses.release),
    }


def _allocated(neutron: Neutron, call: protocol.AllocateNetwork) -> msgspec.Struct:
    """Swarm's manager asks this; the options go to CreateNetwork on each host."""
    del neutron
    return protocol.Allocated(call.options or {})
