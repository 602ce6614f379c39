"""Placeholder of the identity service."""
