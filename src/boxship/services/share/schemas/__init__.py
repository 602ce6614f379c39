"""The share service on the wire: bodies in and out, a module per resource."""
