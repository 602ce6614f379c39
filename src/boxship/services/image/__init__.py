"""Placeholder of the image service."""
