"""All SQL of the volume service, a module per resource; never decides."""
