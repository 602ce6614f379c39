"""Container engines: interface, Docker, fake."""
