"""The versions of the template language as data: which there are, and which functions each has.

Reference: https://docs.openstack.org/heat/latest/template_guide/hot_spec.html#heat-template-version.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from boxship.services.orchestration.template.errors import Invalid
from boxship.services.orchestration.template.evaluation import Function
from boxship.services.orchestration.template.functions import access, cfn, collections, logic, text, yaql


class Flavour(StrEnum):
    """The two languages; ``aws`` templates are CFN ones that say AWSTemplateFormatVersion."""

    HOT = "hot"
    CFN = "cfn"
    AWS = "aws"


@dataclass(frozen=True, slots=True)
class Version:
    """One version. ``condition_functions`` may stand in conditions."""

    name: str
    flavour: Flavour
    functions: Mapping[str, Function]
    condition_functions: Mapping[str, Function]
    aliases: tuple[str, ...] = ()
    has_conditions: bool = False

    @property
    def field(self) -> str:
        """The key of a template that names it."""
        return _FIELDS[self.flavour]


_FIELDS = {
    Flavour.HOT: "heat_template_version",
    Flavour.CFN: "HeatTemplateFormatVersion",
    Flavour.AWS: "AWSTemplateFormatVersion",
}

_FIRST = access.FUNCTIONS | {name: text.FUNCTIONS[name] for name in ("list_join", "str_replace")}
_SELECT = {"Fn::Select": collections.select}
_OLD_NAMES = ("Ref", "Fn::GetAZs", "Fn::Join", "Fn::Split", "Fn::Replace", "Fn::Base64")
_OLD = {name: cfn.FUNCTIONS[name] for name in (*_OLD_NAMES, "Fn::MemberListToMap", "Fn::ResourceFacade")}
_KILO = {"repeat": collections.repeat, "digest": text.digest}
_LIBERTY = {"get_attr": access.get_any_attr, "str_split": text.str_split}
_MITAKA = {"map_merge": collections.map_merge}
_NEWTON = {"map_replace": collections.map_replace, "yaql": yaql.yaql, "if": logic.if_}
_OCATA = {"filter": collections.filter_, "str_replace_strict": text.str_replace_strict}
_PIKE = {
    "make_url": text.make_url,
    "list_concat": collections.list_concat,
    "list_concat_unique": collections.list_concat_unique,
    "str_replace_vstrict": text.str_replace_vstrict,
    "contains": logic.contains,
}
_DECIDING = {name: logic.FUNCTIONS[name] for name in ("equals", "not", "and", "or")}
_CONDITIONS = {"get_param": access.get_param} | _DECIDING
_PIKE_CONDITIONS = _CONDITIONS | {"yaql": yaql.yaql, "contains": logic.contains}
_KILO_ALL = _FIRST | _SELECT | _KILO
_LIBERTY_ALL = _FIRST | _KILO | _LIBERTY
_MITAKA_ALL = _LIBERTY_ALL | _MITAKA
_NEWTON_ALL = _MITAKA_ALL | _NEWTON
_OCATA_ALL = _NEWTON_ALL | _OCATA
_PIKE_ALL = _OCATA_ALL | _PIKE
_CFN_DECIDING = {name: cfn.FUNCTIONS[name] for name in ("Fn::Equals", "Fn::Not", "Fn::And", "Fn::Or")}
_CFN = {name: function for name, function in cfn.FUNCTIONS.items() if name not in _CFN_DECIDING}
_CFN_CONDITIONS = {"Ref": cfn.ref, "Fn::FindInMap": cfn.find_in_map} | _CFN_DECIDING


def _hot(name: str, functions: Mapping[str, Function], *aliases: str, pike: bool = False) -> Version:
    return Version(
        name, Flavour.HOT, functions, _PIKE_CONDITIONS if pike else _CONDITIONS, aliases, has_conditions=True
    )


ALL = (
    Version("2013-05-23", Flavour.HOT, _FIRST | _SELECT | _OLD, {}),
    Version("2014-10-16", Flavour.HOT, _FIRST | _SELECT, {}),
    Version("2015-04-30", Flavour.HOT, _KILO_ALL, {}),
    Version("2015-10-15", Flavour.HOT, _LIBERTY_ALL, {}),
    Version("2016-04-08", Flavour.HOT, _MITAKA_ALL, {}),
    _hot("2016-10-14", _NEWTON_ALL, "newton"),
    _hot("2017-02-24", _OCATA_ALL, "ocata"),
    _hot("2017-09-01", _PIKE_ALL, "pike", pike=True),
    _hot("2018-03-02", _PIKE_ALL, "queens", pike=True),
    _hot("2018-08-31", _PIKE_ALL, "rocky", pike=True),
    _hot("2021-04-16", _PIKE_ALL, "wallaby", pike=True),
    Version("2012-12-12", Flavour.CFN, _CFN, _CFN_CONDITIONS, has_conditions=True),
    Version("2010-09-09", Flavour.AWS, _CFN, _CFN_CONDITIONS, has_conditions=True),
)
"""Every version, those of HOT oldest first."""

_BY_NAME = {(version.flavour, name): version for version in ALL for name in (version.name, *version.aliases)}


def of(flavour: Flavour, name: object) -> Version:
    """The version of this name or alias. Invalid: there is none; the sentence lists those that there are."""
    found = _BY_NAME.get((flavour, str(name)))
    if found is None:
        field = _FIELDS[flavour]
        known = ", ".join(f"{each}" for kind, each in _BY_NAME if kind is flavour)
        raise Invalid(
            f'The template version is invalid: "{field}: {str(name)[:60]}". "{field}" should be one of: {known}'
        )
    return found
