"""Text of a template or environment to a document: JSON or YAML, with bounds on what it may do to the reader. Never says what it
means."""

from __future__ import annotations

import json
from typing import Any

import yaml

from boxship.services.orchestration.template.errors import Invalid

MAX_DEPTH = 100
"""How deep lists and maps may be nested."""


def parse(text: str, *, limit: int) -> dict[str, Any]:
    """The document. Invalid: it is larger than ``limit`` bytes, not readable, not a map; the sentence names the line."""
    if len(text.encode()) > limit:
        raise Invalid(f"Template size ({len(text.encode())} bytes) exceeds maximum allowed size ({limit} bytes).")
    document = _json(text) if text.lstrip().startswith("{") else None
    if document is None:
        document = _yaml(text)
    if not isinstance(document, dict):
        raise Invalid("The template is not a JSON object or YAML mapping.")
    check(document)
    return document


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None  # YAML's flow style starts like this, too, and its reader tells what is wrong


def _yaml(text: str) -> Any:
    try:
        return _Reader(text).document()
    except yaml.YAMLError as error:
        raise Invalid(f"Error parsing template: {_located(error)}") from error
    except (RecursionError, ValueError) as error:
        raise Invalid(f"Error parsing template: {error or 'it is nested too deep'}") from error


def _located(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error)
    return f"{problem} (line {mark.line + 1}, column {mark.column + 1})" if mark else problem


class _Loader(yaml.CSafeLoader):
    """Safe YAML in which dates, times and sexagesimals stay text: a version is 2013-05-23, and a port 12:30."""


_KEPT = {"tag:yaml.org,2002:bool", "tag:yaml.org,2002:int", "tag:yaml.org,2002:float", "tag:yaml.org,2002:null"}
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag in _KEPT]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class _Reader:
    """Makes the document of composed nodes: keys are not repeated, and aliases, which multiply, are refused."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._scalars = yaml.constructor.SafeConstructor()
        self._seen: set[int] = set()

    def document(self) -> Any:
        node = yaml.compose(self._text, Loader=_Loader)
        return None if node is None else self._made(node, 0)

    def _made(self, node: yaml.Node, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise self._error(node, f"it is nested deeper than {MAX_DEPTH} levels")
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        if id(node) in self._seen:
            raise self._error(node, "aliases are not allowed")
        self._seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            return [self._made(each, depth + 1) for each in node.value]
        made: dict[Any, Any] = {}
        for key, value in node.value:
            name = self._scalar(key) if isinstance(key, yaml.ScalarNode) else None
            if name is None and not isinstance(key, yaml.ScalarNode):
                raise self._error(key, "a key has to be a text")
            if name in made:
                raise self._error(key, f"the key {str(name)[:80]!r} is there twice")
            made[name] = self._made(value, depth + 1)
        return made

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        if node.tag == "tag:yaml.org,2002:str":
            return node.value
        if node.tag not in _KEPT or ":" in node.value:  # 12:30 is no number to the base of 60
            return node.value
        return self._scalars.construct_object(node)

    def _error(self, node: yaml.Node, problem: str) -> yaml.YAMLError:
        return yaml.constructor.ConstructorError(None, None, problem, node.start_mark)


def check(document: Any, depth: int = 0) -> None:
    """That a document, however it came, is one of JSON's and not nested too deep. Invalid: it is not."""
    if depth > MAX_DEPTH:
        raise Invalid(f"The template is nested deeper than {MAX_DEPTH} levels.")
    if isinstance(document, dict):
        for key, value in document.items():
            if not isinstance(key, str | int | float | bool) and key is not None:
                raise Invalid(f"A key in the template is a {type(key).__name__}, not text.")
            check(value, depth + 1)
    elif isinstance(document, list):
        for value in document:
            check(value, depth + 1)
    elif document is not None and not isinstance(document, str | int | float | bool):
        raise Invalid(f"A value in the template is a {type(document).__name__}, which no template has.")
