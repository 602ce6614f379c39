"""The container service: containers on tenant networks with volumes.

Upstream name: Zun; API reference: docs.openstack.org/api-ref/application-container, microversions 1.1 to 1.40.
Resources here: containers with their actions, networks, files and sessions; capsules; images on hosts; hosts with their services
and zones; quotas and quota classes; registries.

Where to start: ``api/__init__.py`` (routes), ``plan.py`` (what happens next to a container, pure), ``reconciler/`` (doing it),
``live/`` (what the engine answers while a caller waits). A container owns its ports and the volumes made for it; ports and
volumes that were there before are only borrowed. The containers of a capsule are rows like any other; their ports, volumes
and sandbox are the capsule's.
"""
