"""Microversions (API-SIG guideline "Microversion Specification"): versions are data, a sentence each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from boxship.core import errors


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """A microversion; 1.9 comes before 1.10."""

    major: int
    minor: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """BadRequest: not of the form X.Y."""
        if not re.fullmatch(r"[1-9]\d{0,3}\.(0|[1-9]\d{0,3})", text):
            raise errors.BadRequest(f"{text!r} is not a version of the form X.Y", field="OpenStack-API-Version")
        major, minor = text.split(".")
        return cls(int(major), int(minor))

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


@dataclass(frozen=True, slots=True)
class Microversions:
    """The versions of one service. ``changes`` lists every version with its sentence, oldest first.

    ``service`` is the word in the header, ``aliases`` other words that clients send; ``legacy_header`` a header of the service's
    own, from before the guideline. Without a header the oldest is meant.
    """

    service: str
    changes: Mapping[str, str]
    aliases: tuple[str, ...] = ()
    legacy_header: str | None = None

    @property
    def minimum(self) -> Version:
        return Version.parse(next(iter(self.changes)))

    @property
    def maximum(self) -> Version:
        return Version.parse(list(self.changes)[-1])

    def negotiate(self, headers: Mapping[str, str]) -> Version:
        """The version a request asks for. NotAcceptable: outside of minimum to maximum."""
        asked = self._asked(headers)
        if asked is None:
            return self.minimum
        if asked == "latest":
            return self.maximum
        version = Version.parse(asked)
        if not self.minimum <= version <= self.maximum:
            raise errors.NotAcceptable(
                f"Version {version} is not supported by the API. Minimum is {self.minimum} and maximum is {self.maximum}."
            )
        return version

    def _asked(self, headers: Mapping[str, str]) -> str | None:
        for entry in headers.get("openstack-api-version", "").split(","):
            words = entry.split()
            if len(words) == 2 and words[0].lower() in {self.service, *self.aliases}:
                return words[1].lower()
        if self.legacy_header:
            return headers.get(self.legacy_header.lower())
        return None

    def headers(self, version: Version) -> dict[str, str]:
        """What every answer of the service says about versions."""
        headers = {
            "OpenStack-API-Version": f"{self.service} {version}",
            "OpenStack-API-Minimum-Version": f"{self.service} {self.minimum}",
            "OpenStack-API-Maximum-Version": f"{self.service} {self.maximum}",
            "Vary": "OpenStack-API-Version",
        }
        if self.legacy_header:
            headers |= {self.legacy_header: str(version), "Vary": f"OpenStack-API-Version,{self.legacy_header}"}
        return headers


ANY = Version(1, 0)
"""The version of services that have none."""
