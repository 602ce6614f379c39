"""Writes docs/reference/routes.md and docs/reference/rules.md from the services, so that they cannot differ from them
(tests/architecture/test_reference.py compares). Run it with ``make docs``."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from boxship import config
from boxship.core.service import Service

REFERENCE = Path(__file__).parent / "reference"


def routes(services: Sequence[Service]) -> str:
    """docs/reference/routes.md: every path that is served, and the rule that guards it."""
    lines = []
    for service in services:
        lines += [
            f"## {service.types[0]} ({service.name})",
            "",
            "| method | path | rule | versions |",
            "|---|---|---|---|",
        ]
        for route in service.routes:
            rule = f"`{route.rule}`" if route.rule else "none: open to all"
            versions = " ".join(
                f"{word} {version}" for word, version in (("from", route.since), ("to", route.until)) if version
            )
            lines.append(f"| {route.method} | `/{service.prefix}{route.path}` | {rule} | {versions} |")
        lines.append("")
    return _page("Routes", "the route table of each service's api.py", "Everything is served on one port.", lines[:-1])


def rules(services: Sequence[Service]) -> str:
    """docs/reference/rules.md: every rule with its default and what it guards."""
    lines = []
    for service in services:
        lines += [f"## {service.types[0]} ({service.name})", "", "| rule | default | guards |", "|---|---|---|"]
        lines += [f"| `{rule.name}` | {_code(rule.check)} | {rule.sentence} |" for rule in service.rules]
        lines.append("")
    return _page(
        "Rules",
        "each service's policy.py",
        "The language is oslo.policy's. `policy.yaml` in the state directory overrides a rule by its name.",
        lines[:-1],
    )


def all_services() -> Sequence[Service]:
    """The services as the program assembles them, on the fake drivers; nothing is opened or started."""
    from boxship import app

    with tempfile.TemporaryDirectory() as directory:
        chosen = config.Settings(state_dir=Path(directory), engine="fake")
        return app.Program(chosen, app.plug(chosen, "docs")).services


def pages() -> dict[str, Callable[[], str]]:
    """The pages of the reference by file name."""
    return {
        "routes.md": lambda: routes(all_services()),
        "rules.md": lambda: rules(all_services()),
    }


def _page(title: str, source: str, introduction: str, lines: Sequence[str]) -> str:
    return "\n".join([f"# {title}", "", f"Written by `make docs` from {source}.", "", introduction, "", *lines]) + "\n"


def _code(text: str) -> str:
    return f"`{text}`" if text else "empty"


if __name__ == "__main__":
    REFERENCE.mkdir(exist_ok=True)
    for name, make in pages().items():
        (REFERENCE / name).write_text(make())
