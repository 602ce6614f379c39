"""Volumes and image bytes of this host: interface, files, fake."""
