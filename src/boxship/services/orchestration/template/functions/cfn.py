"""The functions of CFN templates, most of which are those of HOT in another spelling."""

from __future__ import annotations

from typing import Any

from boxship.services.orchestration.template.errors import Invalid
from boxship.services.orchestration.template.evaluation import UNRESOLVED, Evaluator, Function, follow, is_known
from boxship.services.orchestration.template.functions import access, collections, logic, text


def ref(it: Evaluator, arguments: Any) -> Any:
    """``Ref: name`` of a parameter or resource; a parameter wins."""
    name = it.value(arguments)
    if not isinstance(name, str):
        raise Invalid('Argument to "Ref" must be a string')
    try:
        return it.scope.parameter(name)
    except Invalid:
        return it.scope.reference(name)


def get_att(it: Evaluator, arguments: Any) -> Any:
    """``Fn::GetAtt: [resource, attribute]``; one text with a dot between the two is taken, too."""
    given = it.value(arguments)
    if isinstance(given, str):
        given = given.split(".", 1)
    if not is_known(given):
        return UNRESOLVED
    if not isinstance(given, list) or len(given) < 2 or not all(isinstance(each, str) for each in given[:2]):
        raise Invalid('Arguments to "Fn::GetAtt" must be of the form [resource_name, attribute]')
    return follow(it.scope.attribute(given[0], given[1], given[2:]), given[2:])


def join(it: Evaluator, arguments: Any) -> Any:
    """``Fn::Join: [delimiter, list]``."""
    if not isinstance(arguments, list) or len(arguments) != 2:
        raise Invalid('Incorrect arguments to "Fn::Join" should be: "Fn::Join": [" ", ["str1", "str2"]]')
    return text.list_join(it, arguments)


def split(it: Evaluator, arguments: Any) -> Any:
    """``Fn::Split: [delimiter, text]``."""
    if not isinstance(arguments, list) or len(arguments) != 2:
        raise Invalid('Incorrect arguments to "Fn::Split" should be: "Fn::Split": [",", "str1,str2"]')
    return text.str_split(it, arguments)


def replace(it: Evaluator, arguments: Any) -> Any:
    """``Fn::Replace: [{name: value}, text]``."""
    given = it.value(arguments)
    if not is_known(given):
        return UNRESOLVED
    if (
        not isinstance(given, list)
        or len(given) != 2
        or not isinstance(given[0], dict)
        or not isinstance(given[1], str)
    ):
        raise Invalid('Arguments to "Fn::Replace" must be of the form [{name: value}, text]')
    return text.substitute(given[1], {str(key): text.as_text(value) for key, value in given[0].items() if str(key)})


def to_base64(it: Evaluator, arguments: Any) -> Any:
    """``Fn::Base64: text``: as Heat has it, the text as it is."""
    value = it.value(arguments)
    if value is not UNRESOLVED and not isinstance(value, str):
        raise Invalid('"Fn::Base64" argument must be a string')
    return value


def get_azs(it: Evaluator, arguments: Any) -> Any:
    """``Fn::GetAZs: region``: there is one zone where nothing says otherwise."""
    it.value(arguments)
    return ["nova"]


def find_in_map(it: Evaluator, arguments: Any) -> Any:
    """``Fn::FindInMap: [map, key, key]`` in the section Mappings."""
    given = it.value(arguments)
    if not is_known(given):
        return UNRESOLVED
    if not isinstance(given, list) or len(given) != 3:
        raise Invalid('Arguments to "Fn::FindInMap" must be of the form [map_name, top_key, second_key]')
    value = follow(it.mappings, given)
    if value is None:
        raise Invalid(f"There is nothing at {'.'.join(map(str, given))} in Mappings")
    return value


def member_list_to_map(it: Evaluator, arguments: Any) -> Any:
    """``Fn::MemberListToMap: [key name, value name, [".member.0.Name=a", ...]]``."""
    given = it.value(arguments)
    if not is_known(given):
        return UNRESOLVED
    if not isinstance(given, list) or len(given) != 3 or not isinstance(given[2], list):
        raise Invalid('Incorrect arguments to "Fn::MemberListToMap" should be [name key, value key, [members]]')
    members: dict[str, dict[str, str]] = {}
    for entry in given[2]:
        place, _, value = str(entry).partition("=")
        parts = place.split(".")
        members.setdefault(parts[-2] if len(parts) > 1 else "", {})[parts[-1]] = value
    return {each[given[0]]: each[given[1]] for each in members.values() if given[0] in each and given[1] in each}


FUNCTIONS: dict[str, Function] = {
    "Ref": ref,
    "Fn::GetAtt": get_att,
    "Fn::Join": join,
    "Fn::Split": split,
    "Fn::Replace": replace,
    "Fn::Base64": to_base64,
    "Fn::GetAZs": get_azs,
    "Fn::FindInMap": find_in_map,
    "Fn::MemberListToMap": member_list_to_map,
    "Fn::Select": collections.select,
    "Fn::ResourceFacade": access.resource_facade,
    "Fn::If": logic.if_,
    "Fn::Equals": logic.equals,
    "Fn::Not": logic.not_,
    "Fn::And": logic.and_,
    "Fn::Or": logic.or_,
}
