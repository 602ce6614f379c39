"""Placeholder of the container service."""
