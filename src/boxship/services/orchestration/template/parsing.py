"""Text of a template or environment to a document: JSON or YAML, with bounds on what it may do to the reader. Never says what it
means."""

from __future__ import annotations

import json
from dataclasses import dataclass
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
    """Makes the document of what the parser meets, one thing after the other: neither this nor the parser calls itself, as a text
    that is nested deep enough would end the program. Keys are not repeated, and aliases, which multiply, are refused."""

    def __init__(self, text: str) -> None:
        self._loader = _Loader(text)
        self._scalars = yaml.constructor.SafeConstructor()
        self._open: list[_Open] = []
        self._root: Any = None

    def document(self) -> Any:
        """The one document; None: there is none."""
        documents = 0
        while not isinstance(event := self._loader.get_event(), yaml.StreamEndEvent):
            if isinstance(event, yaml.ScalarEvent):
                self._put(event, self._scalar(event))
            elif isinstance(event, yaml.CollectionStartEvent):
                self._begin(event)
            elif isinstance(event, yaml.CollectionEndEvent):
                ended = self._open.pop()
                self._put(ended.event, ended.made)
            elif isinstance(event, yaml.AliasEvent):
                raise _error(event, "aliases are not allowed")
            elif isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise _error(event, "there is a second document")
        return self._root

    def _begin(self, event: yaml.CollectionStartEvent) -> None:
        if len(self._open) > MAX_DEPTH:
            raise _error(event, f"it is nested deeper than {MAX_DEPTH} levels")
        self._open.append(_Open(event, [] if isinstance(event, yaml.SequenceStartEvent) else {}))

    def _put(self, event: yaml.Event, value: Any) -> None:
        """Put a value that is complete where it belongs: into what is open, as a key, or as the whole."""
        if not self._open:
            self._root = value
            return
        outer = self._open[-1]
        if isinstance(outer.made, list):
            outer.made.append(value)
        elif outer.has_key:
            outer.made[outer.key] = value
            outer.has_key = False
        elif not isinstance(event, yaml.ScalarEvent):
            raise _error(event, "a key has to be a text")
        elif value in outer.made:
            raise _error(event, f"the key {str(value)[:80]!r} is there twice")
        else:
            outer.key, outer.has_key = value, True

    def _scalar(self, event: yaml.ScalarEvent) -> Any:
        tag = event.tag
        if tag is None or tag == "!":
            tag = self._loader.resolve(yaml.ScalarNode, event.value, event.implicit)  # type: ignore[no-untyped-call]
        if tag not in _KEPT or ":" in event.value:  # 12:30 is no number to the base of 60
            return event.value
        return self._scalars.construct_object(yaml.ScalarNode(tag, event.value))


@dataclass(slots=True)
class _Open:
    """A list or map whose end has not come, with the key that waits for its value."""

    event: yaml.CollectionStartEvent
    made: Any
    key: Any = None
    has_key: bool = False


def _error(event: yaml.Event, problem: str) -> Invalid:
    mark = event.start_mark
    place = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
    return Invalid(f"Error parsing template: {problem}{place}")


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
