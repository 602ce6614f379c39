"""Boxship: an OpenStack-compatible container cloud in one program."""

__version__ = "0.1.0"
