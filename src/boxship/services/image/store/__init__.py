"""All SQL of the image service, a module per resource; never decides."""
