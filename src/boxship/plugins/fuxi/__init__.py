"""Fuxi: Docker's volumes are Cinder's volumes and Manila's shares. A plugin of Docker that speaks its volume driver protocol.

Upstream: https://docs.openstack.org/fuxi/latest/ (retired); the protocol: https://docs.docker.com/engine/extend/plugins_volume/.

    calls.py        the calls: what each reads and answers
    protocol.py     their bodies, as Docker writes them
    driver.py       what a call does: one at a time per name; uses counted; mount at the first, unmount after the last
    options.py      what a user says with ``-o``; pure
    marks.py        how what we make is named in the cloud; pure
    provider.py     what Cinder and Manila are to the driver: one interface
    volumes.py      the provider cinder: making and removing; devices.py attaching, formatting, mounting
    shares.py       the provider manila: access rules, export locations
    cinder.py       the client of the Block Storage API
    manila.py       the client of the Shared File Systems API
    resources.py    what both read
    host.py         what the plugin was told about itself and its host
    connectors.py   how connection information becomes a device of this host
    filesystems.py  what a device holds; a new file system on one that holds nothing
    mounts.py       mounts of this host
    records.py      what this host has taken upon itself, durable
    engine.py       which volumes Docker's running containers use
    sweep.py        what is put right with time: uses that are over, attachments that could not be given back

What exists is in the cloud, and what is mounted in the kernel; the record says only who uses it and what we began. It is
written before the world is changed, so whatever is killed where, the next call or the sweep goes on from there.

Rules that nothing here breaks: a device is formatted only where all of it reads as zeros; a device is given back only when
the kernel says that nobody has it mounted; what a user brought (``volume_id``, ``share_id``) is never deleted.
"""
