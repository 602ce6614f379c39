"""All SQL of the container service, a module per resource."""
