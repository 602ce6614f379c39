"""What the tests of many hosts are marked with. Says nothing of what they do."""

from __future__ import annotations

import os

import pytest

LONG = pytest.mark.skipif(os.environ.get("BOXSHIP_CHAOS") != "long", reason="takes long; make chaos runs it")
HOSTS = (pytest.mark.system, pytest.mark.xdist_group("hosts"))
"""All of them: one after the other, as each has several engines."""
