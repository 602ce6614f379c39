"""Kuryr: Docker's networks are Neutron's. A plugin of Docker that speaks libnetwork's remote network and IPAM driver.

Upstream: kuryr-libnetwork (https://docs.openstack.org/kuryr-libnetwork/latest/); the protocol is described in
https://github.com/moby/moby/tree/master/daemon/libnetwork/docs (``remote.md``, ``ipam.md``).

    calls.py       the 21 calls: what each reads and answers
    protocol.py    bodies of the calls, as libnetwork writes them
    pools.py       IPAM: ranges of addresses (subnet pools, existing subnets)
    addresses.py   IPAM: single addresses (ports that wait for their endpoint)
    networks.py    Docker's networks
    endpoints.py   Docker's endpoints: ports, wired and joined
    exposure.py    exposed ports (security groups)
    wiring/        how a port becomes a device that Docker can take: host plug, bridge, Open vSwitch
    neutron.py     the client of the Networking API; resources.py what it reads
    marks.py       how what we make is named and what is the user's is marked; pure
    ranges.py      sums with ranges; pure

Nothing is remembered but in Neutron, so a plugin that is started anew goes on where the old one was. Three rules keep what
users brought theirs (PITFALLS 3, 5, 6 of the originals): only what carries our name and no ``*.existing`` tag is ever
deleted; nothing of others is renamed; what was changed of a user's port is put back when its endpoint ends.

Two at once: Neutron is the judge. A range is cut from a subnet pool once, an address is had once in a network; who comes
second sees it, removes what it made and uses what the first one made, or says why it cannot.
"""
