"""All SQL of the share service, a module per resource; never decides."""
