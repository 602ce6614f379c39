"""Names of images as engines write them (distribution/reference): what is one, and which registry it names. Pure."""

from __future__ import annotations

import re

_PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_DIGEST = "sha256:[0-9a-f]{64}"
_REFERENCE = re.compile(
    rf"(?=.{{1,255}}$)(?:{_DIGEST}|(?:[A-Za-z0-9][A-Za-z0-9.-]*(?::\d{{1,5}})?/)?{_PART}(?:/{_PART})*"
    rf"(?::\w[\w.-]{{0,127}})?(?:@{_DIGEST})?)"
)


def is_one(text: str) -> bool:
    """Whether it may stand in the path of a request about an image: a name, tag or digest, and no ``..``."""
    return _REFERENCE.fullmatch(text) is not None


def is_name(text: str) -> bool:
    """Whether it can be given to a new image: no digest, which is not ours to choose."""
    return is_one(text) and "@" not in text and not re.fullmatch(_DIGEST, text)


def tagged(reference: str) -> str:
    """The same with the tag that is meant where there is none."""
    return reference if re.search("[:@]", reference.rpartition("/")[2]) else f"{reference}:latest"


def registry(reference: str) -> str | None:
    """The registry that the reference names, or None: the engine's default one."""
    first, slash, _ = reference.partition("/")
    return first if slash and (first == "localhost" or re.search("[.:]", first)) else None
