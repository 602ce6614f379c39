"""What a caller sends to make a stack, brought together: template, environment and files. Nothing is fetched from anywhere:
only what came with the request counts."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from boxship.config import Settings
from boxship.services.orchestration import errors
from boxship.services.orchestration.model import Raw
from boxship.services.orchestration.template import environments, parsing
from boxship.services.orchestration.template.errors import Invalid

_LONGEST_TAG = 80


@dataclass(frozen=True, slots=True)
class Sent:
    """A template with all that came along; documents may be text."""

    template: str | Mapping[str, Any] | None = None
    template_url: str | None = None
    environment: str | Mapping[str, Any] | None = None
    environment_files: Sequence[str] = ()
    files: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    adopted: str | Mapping[str, Any] | None = None
    """A stack that was exported, whose resources are taken over."""


def raw(sent: Sent, settings: Settings, *, former: Raw | None = None, cleared: Sequence[str] = ()) -> Raw:
    """The stored form; what is missing is that of ``former``, whose parameters stay but for those ``cleared``.

    BadRequest: there is no template, or a document cannot be read.
    """
    if sent.template_url and sent.template is None:
        raise errors.NotSupported("Templates are not fetched from URLs; send the template itself.")
    if sent.template is None and former is None:
        raise errors.NotSupported("No template specified")
    template = former.template if sent.template is None and former else _document(sent.template, settings)
    files = {**(former.files if former else {}), **_texts(sent.files)}
    environment = _environment(sent, files, settings)
    if former is not None:
        environment = environments.merge([_without(former.environment, cleared), environment])
    parameters = {**(environment.get("parameters") or {}), **sent.parameters}
    environment = {**environment, "parameters": parameters}
    environments.read(environment)
    return Raw(str(uuid.uuid4()), template, environment, files)


def _document(given: str | Mapping[str, Any] | None, settings: Settings) -> dict[str, Any]:
    if isinstance(given, str):
        return parsing.parse(given, limit=settings.max_template)
    document = dict(given or {})
    parsing.check(document)
    return document


def _texts(files: Mapping[str, Any]) -> dict[str, str]:
    """Files as text; clients send some as documents."""
    return {name: body if isinstance(body, str) else msgspec.json.encode(body).decode() for name, body in files.items()}


def _environment(sent: Sent, files: Mapping[str, str], settings: Settings) -> dict[str, Any]:
    if not sent.environment_files:
        return _read_environment(sent.environment, settings)
    documents = []
    for name in sent.environment_files:
        if name not in files:
            raise Invalid(f'No content found in the "files" section for the environment file {name[:200]}')
        documents.append(_read_environment(files[name], settings))
    return environments.merge(documents)


def _read_environment(given: str | Mapping[str, Any] | None, settings: Settings) -> dict[str, Any]:
    if isinstance(given, str):
        return parsing.parse(given, limit=settings.max_template) if given.strip() else {}
    document = dict(given or {})
    parsing.check(document)
    environments.read(document)
    return document


def _without(environment: Mapping[str, Any], cleared: Sequence[str]) -> dict[str, Any]:
    kept = {name: value for name, value in (environment.get("parameters") or {}).items() if name not in cleared}
    return {**environment, "parameters": kept}


def tags(given: str | Sequence[str] | None) -> list[str]:
    """Tags, as a list or joined by commas. BadRequest: one is too long or empty."""
    parts = given.split(",") if isinstance(given, str) else list(given or [])
    for tag in parts:
        if not tag or len(tag) > _LONGEST_TAG:
            raise errors.NotSupported(f'Invalid tag, "{tag[:100]}" is longer than {_LONGEST_TAG} characters or empty')
        if "," in tag:
            raise errors.NotSupported(f'Invalid tag, "{tag[:100]}" contains a comma')
    return list(dict.fromkeys(parts))
