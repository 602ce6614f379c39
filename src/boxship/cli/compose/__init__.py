"""``boxship compose``: what Compose files describe, as stacks. ``commands`` speaks to the cloud; the rest is pure: ``files`` and
``merging`` read, ``reading`` makes a ``model`` of it, ``translation`` makes a template of that."""
