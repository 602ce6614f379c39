"""Every setting, route and rule is documented: docs/reference is what the code says."""

from __future__ import annotations

import pytest

from boxship.config import Settings
from docs import generate
from tests.architecture.source import ROOT

REFERENCE = ROOT / "docs" / "reference"


@pytest.mark.parametrize("name", list(generate.pages()))
def test_the_page_is_what_the_code_says(name: str) -> None:
    page = REFERENCE / name
    assert page.is_file(), "run `make docs`"
    assert page.read_text() == generate.pages()[name](), "run `make docs`"


def test_every_setting_has_its_line() -> None:
    lines = (REFERENCE / "settings.md").read_text().splitlines()
    for name in Settings.__struct_fields__:
        (line,) = (line for line in lines if line.startswith(f"| `{name}` |"))
        words = line.split("|")[4].strip()
        assert len(words) > 10, f"{name} is not explained"
        assert words.endswith("."), f"{name} is not explained in a sentence"


def test_a_setting_without_words_is_found(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    source = 'class Settings:\n    a: int = 1\n    """Told."""\n    b: int = 2\n    c: int = 3\n    """Told."""\n'
    monkeypatch.setattr("pathlib.Path.read_text", lambda path: source)
    monkeypatch.setattr(generate, "_default", lambda name: name)
    with pytest.raises(ValueError, match="setting b"):
        generate.settings()
