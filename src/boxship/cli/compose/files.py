"""Compose files as they are on disk: found, parsed, with variables filled in from the environment and ``.env``. Knows nothing of
services."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from boxship.cli.failure import Exit, Failure

NAMES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
"""What a Compose file is called where none is named; the first that is there."""
_LARGEST = 1 << 20
_DEEPEST = 10
"""How often defaults of variables may have defaults in them."""


class Wrong(Failure):
    """Something in the file is not as it has to be; the sentence begins with its path, such as ``services.web.ports[0]``."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}" if path else reason)


@dataclass(slots=True)
class Variables:
    """What ``${NAME}`` stands for; ``missing`` are those that were asked for, are not set and have no default."""

    values: Mapping[str, str]
    missing: list[str] = field(default_factory=list)


def find(directory: Path) -> list[Path]:
    """The Compose file of a directory, and what is laid over it (``compose.override.yaml``). Failure: there is none."""
    for name in NAMES:
        path = directory / name
        if path.is_file():
            over = [path.with_name(f"{path.stem}.override{suffix}") for suffix in (".yaml", ".yml")]
            return [path, *[each for each in over if each.is_file()][:1]]
    raise Failure(f"There is no {NAMES[0]} in {directory}; name a file with -f.", Exit.NOT_FOUND)


def text_of(path: Path) -> str:
    """A small file of text. Failure: it cannot be read."""
    try:
        content = path.read_bytes()
        if len(content) > _LARGEST:
            raise Failure(f"{path} is larger than {_LARGEST >> 20} MiB.")
        return content.decode()
    except FileNotFoundError as error:
        raise Failure(f"There is no file {path}.", Exit.NOT_FOUND) from error
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f"{path} cannot be read: {getattr(error, 'strerror', None) or 'it is no text'}.") from error


class _Loader(yaml.SafeLoader):
    """YAML whose plain scalars are text but for true, false and null, so that ``no``, ``22:22``, ``0644`` and ``1.10`` stay what
    they are; numbers are made of text where numbers are wanted. Keys are text, each once in a map."""


_Loader.yaml_implicit_resolvers = {}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"(true|True|TRUE|false|False|FALSE)$"), [*"tTfF"])
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"(~|null|Null|NULL|)$"), ["~", "n", "N", ""])
_Loader.add_implicit_resolver("tag:yaml.org,2002:merge", re.compile(r"<<$"), ["<"])


def _pairs(loader: _Loader, node: yaml.MappingNode) -> dict[str, Any]:
    names = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode) and key.value != "<<"]
    for name in names:
        if names.count(name) > 1:
            raise yaml.constructor.ConstructorError(None, None, f"{name} is there twice", node.start_mark)
    loader.flatten_mapping(node)
    return {str(key.value): loader.construct_object(value, deep=True) for key, value in node.value}


_Loader.add_constructor("tag:yaml.org,2002:map", _pairs)


def parse(text: str, name: str) -> Any:
    """The document. Failure: it is no YAML; the sentence says where."""
    try:
        found = yaml.load(text, _Loader)  # noqa: S506 (a SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"{name}, line {mark.line + 1}" if mark else name
        raise Wrong(where, f"{error.problem or 'this is no YAML'}.") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise Wrong(name, "this is no YAML.") from error
    if not isinstance(found, dict):
        raise Wrong(name, "a Compose file is a map with the key services.")
    return found


_FORM = re.compile(r"\$(?:(?P<escaped>\$)|(?P<plain>[A-Za-z_][A-Za-z0-9_]*)|(?P<open>\{))")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SIGN = re.compile(r":?[-?+]")


def filled(node: Any, variables: Variables, path: str = "") -> Any:
    """The document with its variables filled in; keys stay as they are. Wrong: a form that there is not, or a variable that has
    to be set (``${NAME:?why}``) and is not."""
    if isinstance(node, str):
        return expand(node, variables, path)
    if isinstance(node, dict):
        return {key: filled(value, variables, f"{path}.{key}" if path else str(key)) for key, value in node.items()}
    if isinstance(node, list):
        return [filled(value, variables, f"{path}[{at}]") for at, value in enumerate(node)]
    return node


def expand(text: str, variables: Variables, path: str, depth: int = 0) -> str:
    """One text with its variables filled in; ``$$`` is a dollar sign. Wrong."""
    if depth > _DEEPEST:
        raise Wrong(path, "the defaults of variables are nested too deeply.")
    parts, at = [], 0
    while (start := text.find("$", at)) >= 0:
        parts.append(text[at:start])
        match = _FORM.match(text, start)
        if match is None:
            raise Wrong(path, f"{text[start : start + 20]!r} is no variable; a dollar sign is written as $$.")
        at = match.end()
        if match["escaped"]:
            parts.append("$")
        elif match["plain"]:
            parts.append(_plain(match["plain"], variables))
        else:
            end = _closing(text, at, path)
            parts.append(_braced(text[at:end], variables, path, depth))
            at = end + 1
    return "".join(parts) + text[at:]


def _closing(text: str, at: int, path: str) -> int:
    """Where the brace ends that was opened before ``at``."""
    depth = 1
    for place in range(at, len(text)):
        if text.startswith("${", place):
            depth += 1
        elif text[place] == "}":
            depth -= 1
            if depth == 0:
                return place
    raise Wrong(path, f"the brace of {text[at - 2 : at + 18]!r} is not closed.")


def _plain(name: str, variables: Variables) -> str:
    if name not in variables.values and name not in variables.missing:
        variables.missing.append(name)
    return variables.values.get(name, "")


def _braced(inner: str, variables: Variables, path: str, depth: int) -> str:
    name = _NAME.match(inner)
    if name is None:
        raise Wrong(path, f"'${{{inner}}}' names no variable.")
    rest = inner[name.end() :]
    if not rest:
        return _plain(name[0], variables)
    sign = _SIGN.match(rest)
    if sign is None:
        raise Wrong(
            path, f"'${{{inner}}}' is none of ${{NAME}}, ${{NAME:-default}}, ${{NAME:?why}} and ${{NAME:+instead}}."
        )
    value, other = variables.values.get(name[0]), rest[sign.end() :]
    is_there = bool(value) if sign[0].startswith(":") else value is not None
    kind = sign[0][-1]
    if kind == "+":
        return expand(other, variables, path, depth + 1) if is_there else ""
    if is_there:
        return value or ""
    if kind == "?":
        why = expand(other, variables, path, depth + 1)
        raise Wrong(path, f"the variable {name[0]} has to be set{f': {why}' if why else '.'}")
    return expand(other, variables, path, depth + 1)


_LINE = re.compile(r"(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_.-]*)\s*(?:[=:](?P<value>.*))?", re.DOTALL)
_ESCAPES: Mapping[str, str] = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "$": "$$"}


def assignments(text: str, name: str, around: Mapping[str, str], *, literally: bool = False) -> dict[str, str | None]:
    """The lines ``NAME=VALUE`` of a file such as ``.env``; a name alone is None. Values may be in quotes, over several lines; but
    in single quotes variables are filled in, from ``around`` and from the lines before. ``literally``: everything behind the sign
    is the value. Wrong: a line is none of this."""
    found: dict[str, str | None] = {}
    lines = text.splitlines()
    at = 0
    while at < len(lines):
        where, line = f"{name}, line {at + 1}", lines[at].strip()
        at += 1
        if not line or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise Wrong(where, f"{line[:40]!r} is not NAME=VALUE.")
        value = match["value"]
        if value is None or literally:
            found[match["name"]] = value
            continue
        value = value.strip()
        while value[:1] in {"'", '"'} and _quoted(value) is None and at < len(lines):
            value = f"{value}\n{lines[at]}"
            at += 1
        known = {**{key: each for key, each in found.items() if each is not None}, **around}
        found[match["name"]] = _value(value, known, where)
    return found


def _quoted(value: str) -> re.Match[str] | None:
    """A whole value in quotes, with a comment at most behind it."""
    form = r"'([^']*)'\s*(?:#.*)?" if value.startswith("'") else r'"((?:[^"\\]|\\.)*)"\s*(?:#.*)?'
    return re.fullmatch(form, value, re.DOTALL)


def _value(value: str, known: Mapping[str, str], where: str) -> str:
    if value[:1] not in {"'", '"'}:
        return expand(re.split(r"(?:^|\s+)#", value)[0], Variables(known), where)
    match = _quoted(value)
    if match is None:
        raise Wrong(where, "the quotes are not closed.")
    if value.startswith("'"):
        return match[1]
    text = re.sub(r"\\(.)", lambda each: _ESCAPES.get(each[1], each[0]), match[1], flags=re.DOTALL)
    return expand(text, Variables(known), where)


Reader = Callable[[str], bytes]
"""Reads a file by its path, which is relative to the Compose file."""


def reader(directory: Path) -> Reader:
    """Reads what a Compose file in this directory refers to. OSError: it cannot."""
    return lambda name: (directory / Path(name).expanduser()).read_bytes()


def variables(directory: Path, environment: Mapping[str, str]) -> Variables:
    """Those of the environment, then those of ``.env`` in the directory. Wrong."""
    path = directory / ".env"
    given = assignments(text_of(path), ".env", environment) if path.is_file() else {}
    return Variables({**{name: value for name, value in given.items() if value is not None}, **environment})
