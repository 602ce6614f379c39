"""The identity service: who may act, in which project, with which roles.

Upstream name: Keystone; API reference: docs.openstack.org/api-ref/identity/v3. Resources: tokens, catalog, domains, projects,
users, roles, role assignments; services, endpoints and regions to read. Groups, application credentials, trusts,
federation and limits are not offered.

Where to start: ``api.py`` (routes), ``live.py`` (passwords and tokens: work that takes time or keys, so outside of
transactions; Fernet in ``live/tokens.py``, argon2 in ``live/passwords.py``), ``public.py`` (how every request of every
service learns who asks).
"""
