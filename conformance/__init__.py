"""OpenStack's own tests, Tempest and the Zun plugin, unmodified, against a cloud of their own; says what passed, failed and
was skipped, and compares that with what is recorded in ``expected/``."""
