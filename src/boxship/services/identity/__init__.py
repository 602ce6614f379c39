"""The identity service: who may act, in which project, with which roles.

Upstream name: Keystone; API reference: docs.openstack.org/api-ref/identity/v3. Resources: tokens, catalog, domains, projects,
users, groups, roles, role assignments; services, endpoints and regions, of which those of this program itself are to read
only. Application credentials, trusts, federation and limits are not offered.

Where to start: ``api/`` (routes), ``live/`` (what takes time or keys, so outside of transactions), ``public.py`` (how
every request of every service learns who asks). ``live/`` has a module for each of what it needs: ``tokens.py`` (Fernet),
``passwords.py`` (argon2, and the brake for guessing), ``bearers.py`` (who bears a token, remembered), ``catalog.py``.

A token holds ids, never rights: these are looked up when it is used, and remembered until any row of this service changes.
So a token ends at once when its user, project or domain is disabled or deleted and when the last role there is taken, from
the user or from its groups, or the user from the group that has it; and it is good again where that is taken back. It ends
for good when it is revoked, and when the user gets another password or is disabled.
"""
