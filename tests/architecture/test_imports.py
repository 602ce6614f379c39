"""Import rules that .importlinter cannot state, because they speak of all services and drivers at once, and of names."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable, Iterable
from functools import cache

import pytest

from tests.architecture.source import PACKAGE, ROOT, Module, assert_none, classes, imports, modules, sample

Check = Callable[[Module], Iterable[str]]

HOLD_DRIVERS = {"reconciler", "live"}
"""The roles that act on the world or look at it."""

KNOW_SIGHTS = {"plan", "states"}
"""The roles that reason about what was seen: they know the interfaces' data, never their verbs."""


def other_services_by_their_door(module: Module) -> Iterable[str]:
    """A service enters another one by ``public`` only."""
    if not module.service:
        return
    for node, name in imports(module):
        parts = name.split(".")
        if parts[:2] != ["boxship", "services"] or parts[2:3] == [module.service]:
            continue
        if parts[3:4] != ["public"]:
            yield module.at(node, f"{name}: another service is entered by its public.py")


def drivers_by_their_interface(module: Module) -> Iterable[str]:
    """Services know a driver by its interface; only reconcilers and live views hold one."""
    if not module.service:
        return
    for node, name in imports(module):
        parts = name.split(".")
        if parts[:2] != ["boxship", "drivers"]:
            continue
        if parts[3:4] != ["interface"]:
            yield module.at(node, f"{name}: services know drivers by their interface")
        elif module.role not in HOLD_DRIVERS | KNOW_SIGHTS:
            yield module.at(node, f"{name}: only {' and '.join(sorted(HOLD_DRIVERS))} hold a driver")
        elif module.role in KNOW_SIGHTS and names_in(module.tree) & protocols():
            yield module.at(node, f"{name}: a plan knows what was seen, not the verbs")


def real_drivers_are_plugged_in_one_place(module: Module) -> Iterable[str]:
    """Beside the drivers themselves and the command line, only app.py names a real or fake driver."""
    if module.name.startswith(("boxship.drivers", "boxship.cli")) or module.name == "boxship.app":
        return
    if module.service:  # drivers_by_their_interface asks for more
        return
    for node, name in imports(module):
        parts = name.split(".")
        if parts[:2] == ["boxship", "drivers"] and parts[3:4] != ["interface"]:
            yield module.at(node, f"{name}: drivers are chosen in app.py")


STATEMENTS = {"select", "insert", "update", "delete", "text", "Table", "Column"}


def sql_is_in_the_store(module: Module) -> Iterable[str]:
    """All SQL of a service is in its store; the others at most join conditions that it offers."""
    if not module.service or module.role == "store":
        return
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {f"sa.{name}" for name in STATEMENTS}:
            yield module.at(node, f"{ast.unparse(node.func)}: SQL is written in store.py")
    for node, name in imports(module):
        if name.split(".")[0] in {"sqlite3", "asyncpg"} or name.startswith("sqlalchemy."):
            yield module.at(node, f"{name}: SQL is written in store.py")


def the_environment_is_read_in_one_place(module: Module) -> Iterable[str]:
    """Settings come from config.py; nobody else looks into the environment."""
    if not module.name.startswith(("boxship.core", "boxship.services", "boxship.drivers", "boxship.app")):
        return
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node) in {"os.environ", "os.getenv"}:
            yield module.at(node, "the environment is read in config.py")


def names_in(tree: ast.AST) -> set[str]:
    """Every name that is used, bare or after a dot."""
    bare = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
    return bare | imported | {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


@cache
def protocols() -> frozenset[str]:
    """The interfaces themselves: Engine, Fabric, Storage, Blobs."""
    return frozenset(
        owner.name
        for module in modules("src")
        if module.name.startswith("boxship.drivers.") and module.path.stem == "interface"
        for owner in classes(module.tree)
        if any("Protocol" in ast.unparse(base) for base in owner.bases)
    )


CHECKS: list[Check] = [
    other_services_by_their_door,
    drivers_by_their_interface,
    real_drivers_are_plugged_in_one_place,
    sql_is_in_the_store,
    the_environment_is_read_in_one_place,
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_source_obeys(check: Check) -> None:
    assert_none(complaint for module in modules("src") for complaint in check(module))


def test_the_interfaces_are_found() -> None:
    assert protocols() >= {"Engine", "Fabric", "Storage", "Blobs"}


def test_every_service_is_in_the_order_of_services() -> None:
    contract = (ROOT / ".importlinter").read_text()
    order = contract.partition("name = A lower service")[2].partition("[")[0].split()
    services = [entry.name for entry in (PACKAGE / "services").iterdir() if (entry / "__init__.py").exists()]
    assert [service for service in services if service not in order] == []


def test_the_contracts_hold() -> None:
    linter = ROOT / ".venv" / "bin" / "lint-imports"
    command = [str(linter) if linter.exists() else "lint-imports", "--no-cache", "--no-logo"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_contracts_can_fail() -> None:
    program = "import sys; from importlinter.cli import lint_imports_command as c; c(sys.argv[1:])"
    done = subprocess.run(
        [sys.executable, "-c", program, "--config", "tests/architecture/broken.importlinter", "--no-cache"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    assert "BROKEN" in done.stdout


API = "src/boxship/services/volume/api.py"
PLAN = "src/boxship/services/volume/plan.py"
FAILING = [
    (other_services_by_their_door, "from boxship.services.image import store", API),
    (other_services_by_their_door, "from boxship.services.image.operations import images", API),
    (other_services_by_their_door, "import boxship.services.image.model", API),
    (drivers_by_their_interface, "from boxship.drivers.storage.interface import Storage", API),
    (drivers_by_their_interface, "from boxship.drivers.storage.interface import Storage", PLAN),
    (drivers_by_their_interface, "from boxship.drivers.storage import interface\nStorage = interface.Storage", PLAN),
    (drivers_by_their_interface, "from boxship.drivers.storage.file import FileStorage", PLAN.replace("plan", "live")),
    (real_drivers_are_plugged_in_one_place, "from boxship.drivers.storage.file import X", "src/boxship/core/x.py"),
    (sql_is_in_the_store, "rows = sa.select(table)", "src/boxship/services/volume/operations/volumes.py"),
    (sql_is_in_the_store, "from sqlalchemy.sql import select", "src/boxship/services/volume/public.py"),
    (the_environment_is_read_in_one_place, "import os\nos.environ['X']", "src/boxship/core/x.py"),
]


@pytest.mark.parametrize(("check", "text", "path"), FAILING)
def test_each_check_can_fail(check: Check, text: str, path: str) -> None:
    assert len(list(check(sample(text, path)))) == 1


PASSING = [
    (other_services_by_their_door, "from boxship.services.image import public as image", API),
    (other_services_by_their_door, "from boxship.services.image.public import ImageView", API),
    (other_services_by_their_door, "from boxship.services.volume import operations", API),
    (drivers_by_their_interface, "from boxship.drivers.storage.interface import VolumeSight", PLAN),
    (drivers_by_their_interface, "from boxship.drivers.storage import interface\nX = interface.VolumeSight", PLAN),
    (sql_is_in_the_store, "rows = sa.select(table)", "src/boxship/services/volume/store/volumes.py"),
    (sql_is_in_the_store, "both = sa.and_(one, other)", "src/boxship/services/volume/operations/volumes.py"),
    (drivers_by_their_interface, "from boxship.drivers.storage.interface import Storage", API.replace("api", "live")),
]


@pytest.mark.parametrize(("check", "text", "path"), PASSING)
def test_each_check_can_pass(check: Check, text: str, path: str) -> None:
    assert list(check(sample(text, path))) == []
