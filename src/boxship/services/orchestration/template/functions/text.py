"""Functions that make text."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any
from urllib.parse import quote, urlencode

from boxship.services.orchestration.template.errors import Invalid
from boxship.services.orchestration.template.evaluation import UNRESOLVED, Evaluator, Function, is_known

MOST_TEXT = 2 * 1024 * 1024
"""Characters of one text that a function makes."""


def as_text(value: Any) -> str:
    """A value as part of a text: maps and lists as JSON."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value) if isinstance(value, dict | list) else str(value)


def bounded(text: str) -> str:
    """The text. Invalid: it is too long."""
    if len(text) > MOST_TEXT:
        raise Invalid(f"A function makes a text of more than {MOST_TEXT} characters.")
    return text


def list_join(it: Evaluator, arguments: Any) -> Any:
    """``list_join: [delimiter, list, ...]``; all lists are joined to one."""
    given = it.value(arguments)
    if not is_known(given):
        return UNRESOLVED
    if not isinstance(given, list) or len(given) < 2:
        raise Invalid('Incorrect arguments to "list_join" should be: list_join: [delimiter, [list], ...]')
    delimiter, lists = given[0], [each for each in given[1:] if each is not None]
    if not isinstance(delimiter, str):
        raise Invalid("Delimiter for list_join must be a string")
    if not all(isinstance(each, list) for each in lists):
        raise Invalid('"list_join" operates on lists')
    parts = [as_text(item) for each in lists for item in each]
    if sum(map(len, parts)) + len(delimiter) * len(parts) > MOST_TEXT:
        bounded(" " * (MOST_TEXT + 1))
    return delimiter.join(parts)


def str_split(it: Evaluator, arguments: Any) -> Any:
    """``str_split: [delimiter, text, index]``; the index may be left out."""
    given = it.value(arguments)
    if not is_known(given):
        return UNRESOLVED
    if not isinstance(given, list) or len(given) not in {2, 3}:
        raise Invalid('Incorrect arguments to "str_split" should be: str_split: [delimiter, string, (index)]')
    delimiter, text = given[:2]
    if not isinstance(delimiter, str) or not delimiter or not isinstance(text, str | None):
        raise Invalid('Argument to "str_split" must be a string with a delimiter that is not empty')
    parts = (text or "").split(delimiter)
    if len(given) == 2:
        return parts
    if not str(given[2]).isdigit():
        raise Invalid('Incorrect index to "str_split" should be an integer')
    if int(given[2]) >= len(parts):
        raise Invalid(f'Incorrect index to "str_split" should be between 0 and {len(parts) - 1}')
    return parts[int(given[2])]


def str_replace(it: Evaluator, arguments: Any) -> Any:
    """``str_replace: {template, params}``."""
    return _replace(it, arguments, "str_replace", strict=False, filled=False)


def str_replace_strict(it: Evaluator, arguments: Any) -> Any:
    """As ``str_replace``; every parameter must occur."""
    return _replace(it, arguments, "str_replace_strict", strict=True, filled=False)


def str_replace_vstrict(it: Evaluator, arguments: Any) -> Any:
    """As ``str_replace_strict``; and none may be empty."""
    return _replace(it, arguments, "str_replace_vstrict", strict=True, filled=True)


def _replace(it: Evaluator, arguments: Any, name: str, *, strict: bool, filled: bool) -> Any:
    given = it.value(arguments)
    if given is UNRESOLVED:
        return UNRESOLVED
    if not isinstance(given, dict) or set(given) != {"template", "params"}:
        raise Invalid(f'Arguments to "{name}" must be a map with the keys "template" and "params"')
    template, params = given["template"], given["params"]
    if not is_known(given):
        return UNRESOLVED
    if template is None:
        return ""
    if not isinstance(template, str):
        raise Invalid(f'"{name}" template must be a string')
    if not isinstance(params, dict):
        raise Invalid(f'"{name}" params must be a map')
    values = {str(key): as_text(value) for key, value in params.items() if str(key)}
    empty = sorted(key for key, value in values.items() if not value)
    if filled and empty:
        raise Invalid(f"The following params have empty values: {', '.join(empty)}")
    lost = sorted(key for key in values if key not in template)
    if strict and lost:
        raise Invalid(f"The following params were not found in the template: {', '.join(lost)}")
    return substitute(template, values)


def substitute(text: str, values: dict[str, str]) -> str:
    """Every key replaced by its value, the longest keys first; what was put in is not looked at again."""
    if not values:
        return text
    pattern = re.compile("|".join(re.escape(key) for key in sorted(values, key=len, reverse=True)))
    size = len(text) + sum(len(values[found.group()]) for found in pattern.finditer(text))
    if size > MOST_TEXT + len(text):
        bounded(" " * (MOST_TEXT + 1))
    return pattern.sub(lambda found: values[found.group()], text)


def digest(it: Evaluator, arguments: Any) -> Any:
    """``digest: [algorithm, text]``."""
    given = it.value(arguments)
    if not is_known(given):
        return UNRESOLVED
    if not isinstance(given, list) or len(given) != 2 or not all(isinstance(each, str) for each in given):
        raise Invalid('Incorrect arguments to "digest" should be: digest: [algorithm, value]')
    if given[0].lower() not in hashlib.algorithms_guaranteed or given[0].lower().startswith("shake"):
        raise Invalid(f"Algorithm must be one of {', '.join(sorted(hashlib.algorithms_guaranteed))}")
    return hashlib.new(given[0].lower(), given[1].encode(), usedforsecurity=False).hexdigest()


_URL_PARTS = {"scheme", "username", "password", "host", "port", "path", "query", "fragment"}


def make_url(it: Evaluator, arguments: Any) -> Any:
    """``make_url: {scheme, username, password, host, port, path, query, fragment}``, all of them optional."""
    given = it.value(arguments)
    if not is_known(given):
        return UNRESOLVED
    if not isinstance(given, dict) or set(given) - _URL_PARTS:
        raise Invalid(f'Arguments to "make_url" must be a map with keys of: {", ".join(sorted(_URL_PARTS))}')
    query, port = given.get("query") or {}, given.get("port")
    if not isinstance(query, dict):
        raise Invalid('The "query" argument to "make_url" must be a map')
    if port not in {None, ""} and not (str(port).isdigit() and 0 < int(port) <= 65535):
        raise Invalid(f'Invalid URL port "{port}"')
    text = {key: as_text(value) for key, value in given.items() if key != "query"}
    url = f"{text['scheme']}:" if text.get("scheme") else ""
    url += _authority(text)
    url += quote(text.get("path", ""), safe="/:@!$&'()*+,;=~%") if text.get("path") else ""
    url += f"?{urlencode({key: as_text(value) for key, value in sorted(query.items())})}" if query else ""
    return url + (f"#{quote(text['fragment'])}" if text.get("fragment") else "")


def _authority(text: dict[str, str]) -> str:
    host = text.get("host", "")
    if not host:
        return ""
    host = f"[{host}]" if ":" in host and not host.startswith("[") else host
    user = quote(text.get("username", ""), safe="")
    secret = f":{quote(text['password'], safe='')}" if text.get("password") else ""
    return f"//{user}{secret}{'@' if user or secret else ''}{host}" + (f":{text['port']}" if text.get("port") else "")


FUNCTIONS: dict[str, Function] = {
    "list_join": list_join,
    "str_split": str_split,
    "str_replace": str_replace,
    "str_replace_strict": str_replace_strict,
    "str_replace_vstrict": str_replace_vstrict,
    "digest": digest,
    "make_url": make_url,
}
