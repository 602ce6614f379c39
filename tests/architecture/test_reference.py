"""Every setting, route and rule is documented: docs/reference is what the code says."""

from __future__ import annotations

import re

import pytest

from boxship.config import Settings
from docs import services
from tests.architecture.source import ROOT

REFERENCE = ROOT / "docs" / "reference"
SETTING = re.compile(r"^## (\w+)\n\nDefault: `.+`\n\n([^#\n].+)$", re.MULTILINE)


def told(page: str) -> dict[str, str]:
    """The words under each setting of the page."""
    return dict(SETTING.findall(page))


@pytest.mark.parametrize("name", list(services.pages()))
def test_the_page_is_what_the_code_says(name: str) -> None:
    page = REFERENCE / name
    assert page.is_file(), "run `make docs`"
    assert page.read_text() == services.pages()[name](), "run `make docs`"


def test_every_setting_is_explained_in_a_sentence() -> None:
    words = told((REFERENCE / "settings.md").read_text())
    assert set(words) == set(Settings.__struct_fields__)
    assert [name for name, text in words.items() if len(text) < 10 or not text.endswith(".")] == []


def test_a_setting_without_words_is_found() -> None:
    assert told("## a\n\nDefault: `1`\n\nThe first.\n\n## b\n\nDefault: `2`\n\n## c\n") == {"a": "The first."}
