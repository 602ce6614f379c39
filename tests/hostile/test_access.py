"""Every route, called by those who must not: without a token, by a member of another project, by a reader."""

from __future__ import annotations

import httpx
from msgspec import inspect

from boxship.core.http.routes import PUBLIC
from tests.hostile import bodies, dialect, shapes, world
from tests.hostile.world import SECRET, Target, World

CLOSED = {401, 403, 404}


async def test_without_a_token_every_route_is_closed(attacked: World, service: str) -> None:
    wrong = []
    for target in attacked.targets(service):
        if target.route.rule == PUBLIC:
            continue
        before = attacked.changes()
        for headers in ({}, {"X-Auth-Token": "forged"}, {"X-Auth-Token": attacked.tokens["alice"][:-4] + "AAAA"}):
            answer = await attacked.ask(None, target, headers=headers, body={})
            if answer.status_code != 401 or attacked.changes() != before:
                wrong.append(f"{target}: {world.told(answer)}")
            elif target.route.method != "HEAD":
                dialect.message(service, answer)
    assert not wrong, "\n".join(wrong)


async def test_another_project_learns_nothing_and_changes_nothing(attacked: World, service: str) -> None:
    """What the stranger gets where the path names what the victim owns, and what lists and all the rest tell."""
    wrong = []
    for target in attacked.targets(service):
        body = await bodies.good(attacked, target)
        before = attacked.changes()
        answer = await attacked.ask("bob", target, body=body)
        changed = attacked.changes() != before
        if found := _secrets(attacked, answer):
            wrong.append(f"{target} tells {sorted(found)}: {world.told(answer)}")
        if answer.status_code >= 500 or (answer.is_error and changed):
            wrong.append(f"{target}: {world.told(answer)}, changed: {changed}")
        if target.owned and answer.status_code not in CLOSED:
            honest = await attacked.ask("alice", target, body=body)
            if not (answer.is_client_error and honest.is_client_error):
                wrong.append(f"{target}: {world.told(answer)} where the owner has {honest.status_code}")
        attacked.restore()
    assert not wrong, "\n".join(wrong)


async def test_a_reader_changes_nothing(attacked: World, service: str) -> None:
    wrong = []
    for target in attacked.targets(service):
        if not target.route.is_write or target.route.rule == PUBLIC:
            continue
        body = await bodies.good(attacked, target)
        before = attacked.changes()
        answer = await attacked.ask("reader", target, body=body)
        if answer.is_client_error and attacked.changes() != before:
            wrong.append(f"{target}: {world.told(answer)}, and yet it changed something")
        if answer.status_code not in CLOSED and not await _own_affair(attacked, target):
            honest = await attacked.ask("alice", target, body=body)
            if not (answer.is_client_error and honest.is_client_error):
                wrong.append(f"{target}: {world.told(answer)} where a member has {honest.status_code}")
        attacked.restore()
    assert not wrong, "\n".join(wrong)


async def _own_affair(attacked: World, target: Target) -> bool:
    """Whether everybody may call it for himself, whatever the role: the rules of identity that ask for no role."""
    rules = {rule.name: rule.check for rule in target.service.rules}
    return target.service.prefix == "identity" and "role:" not in rules.get(target.route.rule, "role:")


async def test_the_owner_reaches_what_others_do_not(attacked: World, service: str) -> None:
    """What gives the tests above their meaning: with the same paths and bodies the owner, or an admin, gets through."""
    closed, reached = [], 0
    for target in attacked.targets(service):
        if not target.owned:
            continue
        body = await bodies.good(attacked, target)
        answers = []
        for user in ("alice", "admin"):
            answers.append(await attacked.ask(user, target, body=body))
            attacked.restore()
        reached += 1
        if all(answer.status_code in CLOSED for answer in answers):
            closed.append(f"{target}: {world.told(answers[0])}; {world.told(answers[1])}")
    assert reached, "no path of the service was filled in with what the victim owns"
    assert len(closed) <= reached // 4, "\n".join(closed)


async def test_what_another_project_owns_cannot_be_referred_to(attacked: World, service: str) -> None:
    """A stranger's bodies, good but for one id of the victim's: as if that did not exist. Where the id of a project is
    taken and does not count, nothing comes to belong to it."""
    wrong = []
    hers = attacked.ids["alice project"]
    people = {hers, attacked.ids["alice"]}
    belongings = attacked.belongings(people)
    for target in attacked.targets(service):
        read = await bodies.shape(attacked, target)
        if read is None:
            continue
        kind = inspect.type_info(read)
        body = await bodies.good(attacked, target, "bob")
        path = _as_bob(attacked, target)
        for place, _ in shapes.fields(kind):
            for id in attacked.owned & {*bodies.references(attacked.examples, hers, place)}:
                answer = await attacked.ask("bob", target, path=path, body=shapes.placed(body, place, id, kind))
                taken = attacked.belongings(people) != belongings or (answer.is_success and id not in people)
                if taken or answer.status_code >= 500 or _secrets(attacked, answer) - {id}:
                    wrong.append(f"{target} {place}={id}: {world.told(answer)}")
                attacked.restore()
    assert not wrong, "\n".join(wrong)


def _as_bob(attacked: World, target: Target) -> str:
    """The path with everything of the victim's replaced by what bob has of the same kind."""
    path = target.path.replace(attacked.ids["alice project"], attacked.ids["bob project"])
    for collection, id in attacked.others.items():
        path = path.replace(attacked.examples[collection], id)
    return path


def _secrets(attacked: World, answer: httpx.Response) -> set[str]:
    """What the answer tells of the victim beyond what the request already held."""
    text = answer.text + str(dict(answer.headers))
    asked = f"{answer.request.url} {answer.request.content.decode(errors='replace')}"
    return {secret for secret in {SECRET, *attacked.owned} if secret in text and secret not in asked}
