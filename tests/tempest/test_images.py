"""The stand-ins for the images that the tests name hold what the tests use, with the libraries it needs."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest

from conformance import images


@pytest.mark.parametrize(
    "image", [image for image in images.IMAGES if not image.programs], ids=lambda image: image.name
)
def test_an_image_holds_a_shell_and_its_command(image: images.Image, tmp_path: Path) -> None:
    config, files = opened(images.save(image, tmp_path / "image.tar"), image.name)
    assert config["config"]["Cmd"] == list(image.command)
    names = set(files)
    assert {"bin/busybox", "bin/sh", "bin/sleep", "bin/cat", "bin/ping", f"bin/{image.command[0]}"} <= names
    assert set(image.files) <= names


def test_a_program_comes_with_its_libraries(tmp_path: Path) -> None:
    image = images.Image("test:latest", ["bash"], ["bash"])
    _, files = opened(images.save(image, tmp_path / "image.tar"), image.name)
    assert files["bin/bash"].isreg() and files["bin/bash"].size > 100_000
    assert any("libc.so" in name for name in files) and any("ld-linux" in name for name in files)


def test_a_missing_program_is_told(tmp_path: Path) -> None:
    with pytest.raises(images.ProgramMissing, match="no-such-program"):
        images.save(images.Image("test:latest", ["x"], ["no-such-program"]), tmp_path / "image.tar")


def test_the_web_server_greets_as_nginx_does() -> None:
    (nginx,) = (image for image in images.IMAGES if image.name == "nginx:latest")
    assert "Welcome to nginx!" in nginx.files["usr/share/nginx/html/index.html"]


def opened(path: Path, name: str) -> tuple[dict[str, dict[str, object]], dict[str, tarfile.TarInfo]]:
    """The configuration of the saved image, and the files of its one layer."""
    with tarfile.open(path) as archive:
        (manifest,) = json.load(archive.extractfile("manifest.json") or io.BytesIO())
        assert manifest["RepoTags"] == [name]
        config = json.load(archive.extractfile(manifest["Config"]) or io.BytesIO())
        layer = archive.extractfile(manifest["Layers"][0])
        assert layer
        with tarfile.open(fileobj=io.BytesIO(layer.read())) as files:
            return config, {member.name: member for member in files.getmembers()}
