"""Whether all processes have the same channel rules, and which one holds for the channel."""

from http import HTTPStatus
from typing import TypeVar
from urllib.parse import quote

import msgspec

from riverd.api.responses import NodeList, ShownPolicy
from riverd.commands.doctor.finding import Finding, not_checked, ok, warning
from riverd.commands.doctor.publishing import PUBLISH
from riverd.commands.doctor.visit import Visit
from riverd.commands.doctor.web import NoAnswer, ask

RULES = "rules"
_Answer = TypeVar("_Answer")


def rules(visit: Visit) -> Finding:
    """Compare the digests of gateways and API, and say which rule decides."""
    if visit.options.api_url is None or visit.options.api_key is None:
        return not_checked(RULES, "only the API knows them: give --api-url and RIVER_API_KEYS")
    if not visit.api_answers:
        return not_checked(RULES, f"after {PUBLISH}")
    try:
        found = _asked(visit, "nodes", kind=NodeList)
        channel = quote(visit.channel, safe="")
        policy = _asked(visit, f"channels/-/rule?channel={channel}", kind=ShownPolicy)
    except (NoAnswer, OSError, msgspec.DecodeError) as error:
        return not_checked(RULES, f"the API does not say them: {error}")
    if unlike := sorted(one.node for one in found.nodes if one.rules != found.rules):
        return warning(
            RULES,
            f"other rules than the API's: {', '.join(unlike)}",
            cure="give all processes the same RIVER_CHANNEL_RULES and history settings, and restart"
            " them",
        )
    fits = "no rule fits" if policy.rule is None else f"the rule {policy.rule} fits"
    count = f"{len(found.nodes)} gateway{'s' if len(found.nodes) > 1 else ''}"
    said = f"the API and {count} have the same; {fits} {visit.channel} ({policy.access})"
    if found.unanswered:
        return warning(
            RULES,
            f"no answer from {', '.join(found.unanswered)}; {said}",
            cure="look at the log of these gateways",
        )
    return ok(RULES, said)


def _asked(visit: Visit, path: str, *, kind: type[_Answer]) -> _Answer:
    answer = ask(
        f"{str(visit.options.api_url).rstrip('/')}/{path}",
        timeout_s=visit.timeout_s,
        context=visit.context,
        headers={"x-api-key": str(visit.options.api_key)},
    )
    if answer.status != HTTPStatus.OK:
        raise NoAnswer(f"{answer.status} {answer.title}")
    return msgspec.json.decode(answer.body, type=kind)
