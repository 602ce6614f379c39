"""Seals secrets that have to be kept."""


class Vault:
    """Placeholder of the type."""
