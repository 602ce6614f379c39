"""Images and their bytes: OpenStack Image (Glance) v2.

Reference: https://docs.openstack.org/api-ref/image/v2/. Resources: images with properties and tags, members, the
schemas that clients read. Bytes are streamed to and from ``drivers/storage`` by ``live.py`` and never looked into here;
the reconciler removes the bytes of deleted images and of interrupted uploads. Start at ``operations/images.py``.
"""
