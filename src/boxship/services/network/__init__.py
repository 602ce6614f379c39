"""The network service: tenant networks, as Neutron offers them (Networking API v2.0, upstream "neutron").

Reference: https://docs.openstack.org/api-ref/network/v2/
Resources: networks, subnets, ports, security groups and rules, routers, floating IPs; read only: extensions, quotas.
Start at ``api/__init__.py`` for what can be asked, ``plan.py`` for what the kernel is told, ``reconciler/`` for when.
Beneath: the kernel, through ``drivers/linux/interface.py``. Above: services that plug in, through ``public.py``.
"""
