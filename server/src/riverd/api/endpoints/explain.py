"""Why a user did not get a publication: asks the broker's log and all nodes, and judges."""

import secrets
from collections.abc import Mapping

from riverd.api.context import Api, Call
from riverd.api.endpoints.tokens import check_user
from riverd.api.explanation import Asked, DeliveryVerdict, judge, not_published
from riverd.api.ordering import answers_to
from riverd.api.responses import Explanation
from riverd.auth.apps import Apps
from riverd.channels.names import app_channel, check_channel
from riverd.errors import ErrorCode, RiverError
from riverd.model.facts import UserFacts, facts_of
from riverd.model.log import Position, Publication
from riverd.model.orders import Question

_DIGITS_MAX = 18
SESSION_LENGTH_MAX = 64


async def explain(api: Api, call: Call) -> Explanation:
    """What became of one publication for one user, and how that is known."""
    channel, user = check_channel(call.path["channel"]), check_user(call.path["user"])
    session = _session(call.query.get("session", ""), user=user)
    name, offset = _internal(channel, call.query, apps=api.apps), _offset(call.path["offset"])
    control = api.broker.control
    nodes = await control.nodes()
    epoch, newest, publication = await _publication(api, name, offset=offset, query=call.query)
    question = Question(
        secrets.token_hex(8),
        "" if session else user,
        # An older node knows nothing of it: it has not answered then.
        "explain_session" if session else "explain",
        channel=name,
        epoch=epoch,
        offset=offset,
        session=session,
    )
    await control.ask(question)
    answers = await answers_to(api, question.id, nodes=nodes, read=facts_of)
    facts, unanswered = list(answers.found.values()), answers.unanswered
    asked = Asked(
        "the client" if session else user,
        channel,
        epoch,
        offset,
        newest,
        exclude=None if publication is None else publication.exclude,
        session=session,
        in_log=publication is not None,
        published_at=await _published_at(api, name, facts=facts, offset=offset),
    )
    departed = await control.departed()
    outcome = judge(asked, facts, unanswered=unanswered, departed=departed)
    reason, sentence = outcome.verdict, outcome.sentence
    if not 1 <= offset <= newest:
        similar = {other for one in facts for other in one.channels} - {asked.channel}
        reason, sentence = DeliveryVerdict.NOT_PUBLISHED, not_published(asked, similar)
    return Explanation(
        "" if session else user,
        channel,
        epoch,
        offset,
        reason.value,
        sentence,
        asked.published_at or None,
        outcome.judged,
        outcome.notes,
        unanswered,
        [one.name for one in departed],
    )


async def _publication(
    api: Api, name: str, *, offset: int, query: Mapping[str, str]
) -> tuple[str, int, Publication | None]:
    """The log's epoch, its newest offset, and the publication if it is still there."""
    position = (await api.broker.read(name, limit=1)).position
    epoch = query.get("epoch", position.epoch)
    if epoch != position.epoch:
        # Of a log that is no more nobody knows how far it went.
        return epoch, max(offset, 1), None
    if not 1 <= offset <= position.offset:
        return epoch, position.offset, None
    try:
        tail = await api.broker.read(name, after=Position(epoch, offset - 1), limit=1)
    except RiverError as error:
        if error.error is not ErrorCode.UNRECOVERABLE:
            raise
        return epoch, position.offset, None
    return epoch, position.offset, tail.publications[0] if tail.publications else None


async def _published_at(api: Api, name: str, *, facts: list[UserFacts], offset: int) -> float:
    """When it was published, by the broker, or else when the first node was given it; or 0."""
    published_at = await api.broker.control.published_at(name, offset)
    if published_at is not None:
        return published_at
    return min((one.taken_at for one in facts if one.taken_at), default=0.0)


def _internal(channel: str, query: Mapping[str, str], *, apps: Apps) -> str:
    """The channel's name in the logs: that of an app that has channels of its own is another."""
    app_id = query.get("app")
    if app_id is None:
        return channel
    app = apps.by_id.get(app_id)
    if app is None:
        raise RiverError(ErrorCode.NOT_FOUND, "no app has this id")
    return channel if app.native else app_channel(app_id, channel)


def _session(text: str, *, user: str) -> str:
    if text and user != "-":
        raise RiverError(ErrorCode.INVALID_FIELD, "ask about a user or about a session")
    if len(text) > SESSION_LENGTH_MAX:
        raise RiverError(ErrorCode.INVALID_FIELD, "session: the id of a session")
    return text


def _offset(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS_MAX):
        raise RiverError(ErrorCode.INVALID_FIELD, "offset: a whole number, 1 or more")
    return int(text)
