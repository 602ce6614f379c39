"""The wire: what requests hold, checked field by field, and what answers hold; a module per resource."""
