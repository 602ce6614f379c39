"""The source as data, for the checks of this folder: every module once, read and parsed; nothing is imported."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "boxship"
SERVICES = PACKAGE / "services"

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Module:
    """A file of Python: ``path`` relative to the root, its text, its tree."""

    path: Path
    text: str
    tree: ast.Module

    @property
    def name(self) -> str:
        """The dotted name, for modules below ``src``."""
        parts = self.path.with_suffix("").parts
        return ".".join(parts[1:] if parts[0] == "src" else parts).removesuffix(".__init__")

    @property
    def role(self) -> str:
        """The role in its service (``api``, ``store``), also where the role is a package; empty outside of services."""
        parts = self.name.split(".")
        return parts[3] if parts[:2] == ["boxship", "services"] and len(parts) > 3 else ""

    @property
    def service(self) -> str:
        """The service it belongs to; empty outside of services."""
        parts = self.name.split(".")
        return parts[2] if parts[:2] == ["boxship", "services"] and len(parts) > 2 else ""

    def line(self, number: int) -> str:
        return self.text.splitlines()[number - 1]

    def at(self, node: ast.AST, complaint: str) -> str:
        """A complaint in the form that editors jump to."""
        return f"{self.path}:{getattr(node, 'lineno', 1)}: {complaint}"


def sample(text: str, path: str = "src/boxship/sample.py") -> Module:
    """A module made of a string, to show that a check can fail."""
    return Module(Path(path), text, ast.parse(text))


@cache
def modules(*folders: str) -> tuple[Module, ...]:
    """All modules below these folders of the repository (``src``, ``tests``, ``bench``)."""
    files = sorted(file for folder in folders for file in (ROOT / folder).rglob("*.py"))
    return tuple(sample(file.read_text(), str(file.relative_to(ROOT))) for file in files)


def functions(tree: ast.AST) -> Iterator[Function]:
    """Every function and method, inner ones too."""
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def classes(tree: ast.AST) -> Iterator[ast.ClassDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))


def imports(module: Module) -> Iterator[tuple[ast.stmt, str]]:
    """Every imported thing as a dotted name: ``from a import b`` is ``a.b``."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module.path}: imports are absolute"
            yield from ((node, f"{node.module}.{alias.name}") for alias in node.names)


def assert_none(complaints: Iterable[str]) -> None:
    """Fail with all complaints, a line each."""
    found = list(dict.fromkeys(complaints))
    assert not found, "\n" + "\n".join(found)
