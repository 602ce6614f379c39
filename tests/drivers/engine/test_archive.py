"""Archives of images: what is copied from them, and that nothing else is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from boxship.core.errors import Refused
from boxship.drivers.engine import archive
from tests.conformance.archives import HOSTILE, Archive, members


def rewritten(tmp_path: Path, content: bytes, reference: str = "mine/image:1") -> dict[str, bytes]:
    given, clean = tmp_path / "given", tmp_path / "clean"
    given.write_bytes(content)
    archive.rewrite(given, clean, reference)
    return members(clean.read_bytes())


def test_only_what_the_image_needs_is_copied_under_our_name(tmp_path: Path) -> None:
    honest = Archive("somebody/elses:name")
    honest.files |= {"repositories": b"{}", "../../etc/passwd": b"x", "index.json": b"{}"}
    found = rewritten(tmp_path, honest.written())
    assert sorted(found) == ["0000/layer.tar", "config.json", "manifest.json"]
    assert json.loads(found["manifest.json"]) == [
        {"Config": "config.json", "RepoTags": ["mine/image:1"], "Layers": ["0000/layer.tar"]}
    ]
    assert found["0000/layer.tar"] == honest.files["layer.tar"]
    assert found["config.json"] == honest.files["config.json"]


def test_a_layer_that_occurs_twice_is_kept_once(tmp_path: Path) -> None:
    honest = Archive()
    honest.files["empty.tar"] = bytes(1024)
    honest.images[0]["Layers"] = ["layer.tar", "empty.tar", "empty.tar"]
    found = rewritten(tmp_path, honest.written())
    (image,) = json.loads(found["manifest.json"])
    assert image["Layers"] == ["0000/layer.tar", "0001/layer.tar", "0001/layer.tar"]


@pytest.mark.parametrize("content", [b"", b"x", bytes(10240), *HOSTILE.values()], ids=["empty", "x", "zeros", *HOSTILE])
def test_everything_else_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(Refused) as caught:
        rewritten(tmp_path, content)
    assert str(tmp_path) not in caught.value.sentence
