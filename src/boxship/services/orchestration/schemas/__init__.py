"""The wire of the orchestration service, a module per resource."""
