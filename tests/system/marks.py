"""What tests on real engines are marked with. Says nothing of what they do."""

from __future__ import annotations

import os

import pytest

IS_LONG = os.environ.get("BOXSHIP_CHAOS") == "long"
"""Whether there is time for many rounds."""
LONG = pytest.mark.skipif(not IS_LONG, reason="takes long; make chaos runs it")
HOSTS = (pytest.mark.system, pytest.mark.xdist_group("hosts"))
"""All tests of several hosts: one after the other, as each has several engines."""
