"""Writes docs/reference from the code: settings, routes, rules. A test compares, so the pages cannot go out of date."""

from __future__ import annotations

import ast
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from boxship import config
from boxship.core.service import Service

REFERENCE = Path(__file__).parent / "reference"
_MADE = "<!-- Written by `make docs` from {source}; change that. -->"


def settings() -> str:
    """docs/reference/settings.md, from the class ``Settings`` and the words beside its fields."""
    rows = [
        f"| `{name}` | `BOXSHIP_{name.upper()}` | {_code(default)} | {words} |" for name, default, words in _settings()
    ]
    return _page(
        "Settings",
        "src/boxship/config.py",
        "A setting comes from the first of these that has it: the command line; the environment; what the last\n"
        "`boxship up` was told; `boxship.yaml` in the state directory, which is yours and never written by Boxship; the\n"
        "default. `state_dir` comes from the first two only.",
        ["| setting | in the environment | default | what it is, and why |", "|---|---|---|---|", *rows],
    )


def _settings() -> list[tuple[str, str, str]]:
    """Name, default and words of every setting. ValueError: one has no words."""
    tree = ast.parse(Path(config.__file__).read_text())
    (owner,) = (node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Settings")
    found = []
    for field, words in zip(owner.body, owner.body[1:], strict=False):
        if not isinstance(field, ast.AnnAssign) or not isinstance(field.target, ast.Name):
            continue
        if not isinstance(words, ast.Expr) or not isinstance(words.value, ast.Constant):
            raise ValueError(f"the setting {field.target.id} has no words beside it")
        text = " ".join(str(words.value.value).split())
        found.append((field.target.id, _default(field.target.id), text))
    return found


def _default(name: str) -> str:
    return str(getattr(config.Settings(), name))


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
        "settings.md": settings,
        "routes.md": lambda: routes(all_services()),
        "rules.md": lambda: rules(all_services()),
    }


def _page(title: str, source: str, introduction: str, lines: Sequence[str]) -> str:
    return "\n".join([f"# {title}", "", _MADE.format(source=source), "", introduction, "", *lines]) + "\n"


def _code(text: str) -> str:
    return f"`{text}`" if text else "empty"


if __name__ == "__main__":
    REFERENCE.mkdir(exist_ok=True)
    for name, make in pages().items():
        (REFERENCE / name).write_text(make())
