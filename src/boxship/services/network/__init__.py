"""Placeholder of the network service."""
