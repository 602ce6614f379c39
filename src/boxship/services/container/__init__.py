"""The container service: containers on tenant networks with volumes.

Upstream name: Zun; API reference: docs.openstack.org/api-ref/application-container, microversions 1.1 to 1.40.
Resources here: containers. Capsules, attach, images, hosts, quotas and registries of Zun's API are not offered yet.

Where to start: ``api.py`` (routes), ``plan.py`` (what happens next to a container, pure), ``reconciler.py`` (doing it).
A container owns its ports and the volumes made for it; ports and volumes that were there before are only borrowed.
"""
