"""The shape of a service: the same file names in each, none besides (ARCHITECTURE.md, "The files of a service")."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.architecture.source import SERVICES, assert_none

ALWAYS = {"__init__", "api", "schemas", "policy", "operations", "model", "store", "errors", "public"}
"""The roles of every service. Those that nobody enters but over their API need no ``public``."""

IF_NEEDED = {"states", "plan", "reconciler", "live", "versions"}
"""Acting on the world, answering from it, microversions."""

OF_STACKS = {"template", "resources"}
"""A language, and the types that it names: orchestration has these besides."""

TOPMOST = {"container", "orchestration"}


def complaints(folder: Path, *, topmost: bool = False) -> Iterable[str]:
    """What is wrong with the shape of the service in ``folder``."""
    roles = {entry.stem for entry in folder.iterdir() if entry.suffix == ".py" or (entry / "__init__.py").exists()}
    for role in sorted(ALWAYS - roles - ({"public"} if topmost else set())):
        yield f"{folder.name} has no {role}.py"
    own = OF_STACKS if folder.name == "orchestration" else set()
    for role in sorted(roles - ALWAYS - IF_NEEDED - own):
        yield f"{folder.name}/{role}.py is no role of a service"
    for role in sorted(roles):
        if (folder / f"{role}.py").exists() and (folder / role).exists():
            yield f"{folder.name}/{role} is a file and a folder"
    if "plan" in roles and "reconciler" not in roles:
        yield f"{folder.name} plans and does not act"
    if list(ast.parse((folder / "__init__.py").read_text()).body[1:]):
        yield f"{folder.name}/__init__.py is the card of the service: a docstring and nothing else"


def services() -> list[Path]:
    return sorted(entry for entry in SERVICES.iterdir() if (entry / "__init__.py").exists())


def test_the_services_are_there() -> None:
    assert {folder.name for folder in services()} >= {"identity", "image", "network", "volume", "container"}


@pytest.mark.parametrize("folder", services(), ids=lambda folder: folder.name)
def test_a_service_has_the_files_of_a_service(folder: Path) -> None:
    assert_none(complaints(folder, topmost=folder.name in TOPMOST))


@pytest.mark.parametrize("folder", services(), ids=lambda folder: folder.name)
def test_the_card_names_the_reference(folder: Path) -> None:
    card = ast.get_docstring(ast.parse((folder / "__init__.py").read_text())) or ""
    assert "docs.openstack.org" in card, f"{folder.name}/__init__.py names no API reference"
    assert len(card) > 200, f"{folder.name}/__init__.py does not tell its resources and where to start"


def made(folder: Path, *names: str) -> Path:
    folder.mkdir()
    for name in names:
        (folder / f"{name}.py").write_text('"""A role."""\n')
    return folder


def test_a_service_of_the_right_shape_passes(tmp_path: Path) -> None:
    assert list(complaints(made(tmp_path / "thing", *ALWAYS))) == []


@pytest.mark.parametrize("missing", sorted(ALWAYS - {"__init__"}))
def test_a_missing_role_is_found(tmp_path: Path, missing: str) -> None:
    assert list(complaints(made(tmp_path / "thing", *(ALWAYS - {missing})))) == [f"thing has no {missing}.py"]


@pytest.mark.parametrize("name", ["utils", "manager", "views"])
def test_another_role_is_found(tmp_path: Path, name: str) -> None:
    assert len(list(complaints(made(tmp_path / "thing", *ALWAYS, name)))) == 1


def test_code_in_the_card_is_found(tmp_path: Path) -> None:
    folder = made(tmp_path / "thing", *ALWAYS)
    (folder / "__init__.py").write_text('"""A card."""\nimport os\n')
    assert len(list(complaints(folder))) == 1


def test_a_role_twice_is_found(tmp_path: Path) -> None:
    folder = made(tmp_path / "thing", *ALWAYS)
    (folder / "store").mkdir()
    (folder / "store" / "__init__.py").touch()
    assert list(complaints(folder)) == ["thing/store is a file and a folder"]


def test_a_plan_without_a_reconciler_is_found(tmp_path: Path) -> None:
    assert list(complaints(made(tmp_path / "thing", *ALWAYS, "plan"))) == ["thing plans and does not act"]
