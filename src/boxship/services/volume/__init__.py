"""Placeholder of the volume service."""
