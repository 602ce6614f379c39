"""Figures with their bars, as a table and as JSON."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value; the bar, where there is one, is what it should reach."""

    name: str
    value: float
    unit: str
    at_most: float | None = None
    at_least: float | None = None

    @property
    def verdict(self) -> str:
        """``ok``, ``missed`` or nothing where there is no bar."""
        if self.at_most is None and self.at_least is None:
            return ""
        high = self.at_most is not None and self.value > self.at_most
        low = self.at_least is not None and self.value < self.at_least
        return "missed" if high or low else "ok"

    @property
    def bar(self) -> str:
        if self.at_most is not None:
            return f"<= {self.at_most:g}"
        return "" if self.at_least is None else f">= {self.at_least:g}"


def show(figures: Sequence[Figure]) -> None:
    """Print the table."""
    table = Table("figure", "value", "unit", "bar", "")
    for figure in figures:
        table.add_row(figure.name, f"{figure.value:,.2f}", figure.unit, figure.bar, figure.verdict)
    Console(width=110).print(table)


def write(figures: Sequence[Figure], path: Path) -> None:
    """Write the figures with the facts about the machine that they depend on."""
    machine = {"cpus": os.cpu_count(), "kernel": platform.release(), "python": platform.python_version()}
    content = {"machine": machine, "figures": [asdict(figure) | {"verdict": figure.verdict} for figure in figures]}
    path.write_text(json.dumps(content, indent=2) + "\n")
