"""File systems that several containers and hosts use at once: OpenStack Shared File Systems (Manila) v2.

Reference: https://docs.openstack.org/api-ref/shared-file-system/. Resources: shares with metadata, export locations, access
rules, snapshots, share types, quotas, messages, services, pools, availability zones. A share is a file system of its own
size, mounted on its host while it is there, and exported by NFS to those that its rules name where the host does that
at all. Start at ``operations/``: what a caller can ask; then ``plan.py``: what is done about it.
"""
