"""What makes the wishes of this service real, a module per kind."""
