"""Volumes that outlive containers: OpenStack Block Storage (Cinder) v3.

Reference: https://docs.openstack.org/api-ref/block-storage/v3/. Resources: volumes with metadata, volume types,
attachments (read), limits and quotas (read), availability zones, services, extensions. A volume is made, mounted on
the host while something holds it, unmounted and removed by its reconciler; bytes live where ``drivers/storage`` keeps
them. Start at ``operations/``: what a caller can ask; then ``plan.py``: what is done about it.
"""
