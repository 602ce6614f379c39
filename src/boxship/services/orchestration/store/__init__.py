"""All SQL of the orchestration service, a module per resource; never decides."""
