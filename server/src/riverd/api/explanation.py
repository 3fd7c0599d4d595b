"""Why a user did not get a publication: what gateways remember, judged.

Every connection of the user is judged by itself; the answer is the best of what is so. What was
written to a socket is not yet received: only a pong that came later, or a client that comes back
with a later position, proves that. And who remembers nothing of a time says nothing about it.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from difflib import get_close_matches
from enum import Enum

import msgspec

from riverd.api.responses import Judged
from riverd.model.facts import GapFact, SessionFacts, Stretch, UserFacts
from riverd.model.orders import DepartedNode

SEEN_S_MAX = 10.0
"""A node that was seen so long before something may have been connected then."""
CLOSE_NAMES_MAX = 3
DOUBTS_MAX = 5
"""In a sentence; the others are in the notes."""


class DeliveryVerdict(Enum):
    """What is so, the best first: of several connections the best one counts."""

    CONFIRMED = "confirmed"
    HAD = "had"
    WRITTEN = "written"
    BLOCKED = "blocked"
    BEHIND = "behind"
    EXCLUDED = "excluded"
    GAP = "gap"
    ENDED = "ended_before"
    LATER = "subscribed_later"
    NO_GRANT = "no_grant"
    NOT_SUBSCRIBED = "not_subscribed"
    NOT_CONNECTED = "not_connected"
    NOT_PUBLISHED = "not_published"
    UNKNOWN = "unknown"


_RANK = {verdict: rank for rank, verdict in enumerate(DeliveryVerdict)}
_MAY_BE_ELSEWHERE = frozenset(
    {DeliveryVerdict.LATER, DeliveryVerdict.NOT_SUBSCRIBED, DeliveryVerdict.NOT_CONNECTED}
)
"""That may be so here, and another connection of the user have been where nobody answers."""


class DeliveryOutcome(msgspec.Struct, frozen=True):
    """The judgement of all, and of each connection; `notes` say what nobody can know."""

    verdict: DeliveryVerdict
    sentence: str
    judged: list[Judged]
    notes: list[str]


class Asked(msgspec.Struct, frozen=True):
    """The publication that is asked about, as far as the broker still has it.

    Args:
        exclude: the session that it leaves out.
        session: the connection that is asked about, if it is not all of a user's.
        in_log: whether the broker still has it.
        published_at: 0 if nobody knows.
    """

    user: str
    channel: str
    epoch: str
    offset: int
    newest: int
    exclude: str | None = None
    session: str = ""
    in_log: bool = False
    published_at: float = 0


def at(unix_s: float) -> str:
    """A time, for people."""
    return datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def not_published(asked: Asked, similar: Iterable[str]) -> str:
    """The sentence for a publication that the channel never had."""
    stands = (
        f"its newest is {asked.newest}" if asked.newest else "it has none, or its log has expired"
    )
    near = get_close_matches(asked.channel, list(similar), n=CLOSE_NAMES_MAX)
    hint = f" Similar channels: {', '.join(near)}." if near else ""
    return f"{asked.channel} has no publication {asked.offset}: {stands}.{hint}"


def judge(
    asked: Asked,
    nodes: list[UserFacts],
    *,
    unanswered: list[str],
    departed: list[DepartedNode],
) -> DeliveryOutcome:
    """What became of the publication for the user, over all nodes that have answered."""
    judged = [one for node in nodes for one in _on_node(asked, node)]
    judged.sort(key=lambda one: (_RANK[DeliveryVerdict(one.reason)], -one.at))
    best = judged[0] if judged else _nobody(asked, nodes)
    verdict, sentence = DeliveryVerdict(best.reason), best.sentence
    if asked.session:
        sentence = sentence[:1].upper() + sentence[1:]
    if len({one.reason for one in judged}) > 1:
        sentence += f" Its other subscriptions ({len(judged) - 1}) say something else: see there."
    doubts = _doubts(asked, nodes, unanswered=unanswered, departed=departed)
    if verdict in _MAY_BE_ELSEWHERE and doubts:
        verdict, sentence = (
            DeliveryVerdict.UNKNOWN,
            f"Unknown: {' '.join(doubts[:DOUBTS_MAX])} Apart from that: {sentence}",
        )
    if not asked.in_log and asked.offset <= asked.newest:
        doubts.append("The log no longer has it: whether it excluded a session is not known.")
    return DeliveryOutcome(verdict, sentence, judged, doubts)


# One node.


def _on_node(asked: Asked, node: UserFacts) -> list[Judged]:
    sessions = {one.session: one for one in node.sessions}
    found = [
        _stretch(asked, node, stretch=stretch, session=sessions.get(stretch.session))
        for stretch in node.stretches
    ]
    if found:
        return found
    if node.refused:
        refusal = node.refused[-1]
        text = f"{asked.user} may not subscribe to {asked.channel}: refused with {refusal.code}"
        if refusal.named and not asked.session:
            text = (
                f"A connection that said it was {asked.user}, and did not prove it, was refused "
                f"{asked.channel} with {refusal.code}"
            )
        session = refusal.session
        when = refusal.at
    elif node.forbidden:
        text = f"{asked.user} may not subscribe to {asked.channel} ({node.forbidden}): no grant"
        session, when = node.sessions[-1].session, node.sessions[-1].connected_at
    else:
        return [_not_subscribed(asked, node, session=one) for one in node.sessions]
    about = sessions.get(session) or SessionFacts(session, "", 0)
    return [
        Judged(DeliveryVerdict.NO_GRANT.value, f"{text}, at {at(when)}.", node.node, about, when)
    ]


def _not_subscribed(asked: Asked, node: UserFacts, *, session: SessionFacts) -> Judged:
    near = get_close_matches(asked.channel, node.channels, n=CLOSE_NAMES_MAX)
    hint = f" It is subscribed to {', '.join(near)}: is one of them meant?" if near else ""
    text = f"{asked.user} was connected, but never subscribed to {asked.channel}.{hint}"
    return Judged(
        DeliveryVerdict.NOT_SUBSCRIBED.value, text, node.node, session, session.connected_at
    )


def _stretch(
    asked: Asked, node: UserFacts, *, stretch: Stretch, session: SessionFacts | None
) -> Judged:
    """One subscription."""
    about = session or SessionFacts(stretch.session, "", 0)
    verdict, text = _verdict(asked, node, stretch=stretch, about=about)
    when = stretch.ended_at or stretch.began_at
    return Judged(verdict.value, text, node.node, about, when, stretch)


def _verdict(
    asked: Asked, node: UserFacts, *, stretch: Stretch, about: SessionFacts
) -> tuple[DeliveryVerdict, str]:
    offset, user, which = asked.offset, asked.user, _which(about, node)
    if stretch.epoch != asked.epoch:
        return _other_epoch(asked, node, stretch=stretch, which=which)
    had = stretch.had
    if had is not None and had.epoch == asked.epoch and had.offset >= offset:
        text = (
            f"{user} had it: {which} came back at {at(stretch.began_at)} with position "
            f"{had.offset}, which is not before it."
        )
        return DeliveryVerdict.HAD, text
    gap = _gap(asked, node.gaps, session=stretch.session)
    if gap is not None:
        return DeliveryVerdict.GAP, _sent_gap(asked, gap, which=which)
    if stretch.after >= offset:
        return _later(asked, stretch, which=which)
    if asked.exclude is not None and asked.exclude in (about.session, about.continues):
        text = f"It was published with exclude: {asked.exclude}, which is {which}: left out."
        return DeliveryVerdict.EXCLUDED, text
    if stretch.confirmed >= offset:
        text = (
            f"{user} got it: it was written to {which}, and a pong to a ping that was sent after "
            f"it, at {at(about.confirmed_at)}, proves that it arrived."
        )
        return DeliveryVerdict.CONFIRMED, text
    if stretch.upto >= offset:
        return DeliveryVerdict.WRITTEN, _written(asked, stretch, about=about, which=which)
    return _not_written(asked, stretch, about=about, which=which)


def _other_epoch(
    asked: Asked, node: UserFacts, *, stretch: Stretch, which: str
) -> tuple[DeliveryVerdict, str]:
    gap = _gap(asked, node.gaps, session=stretch.session)
    if gap is not None:
        return DeliveryVerdict.GAP, _sent_gap(asked, gap, which=which)
    for restart in node.restarts:
        if restart.after.epoch == asked.epoch and restart.at >= stretch.began_at:
            if restart.after.offset >= asked.offset:
                text = (
                    f"{asked.user} was sent a gap by {which} at {at(restart.at)}: the log began "
                    f"again, at {restart.after.offset}."
                )
                return DeliveryVerdict.GAP, text
            upto = stretch.upto if stretch.newest >= 0 else asked.newest
            if upto >= asked.offset:
                text = f"It was written to {which} after the log had begun again; no proof since."
                return DeliveryVerdict.WRITTEN, text
    text = f"The connection of {asked.user} on {which} knew another log of {asked.channel} only"
    if stretch.ended_at:
        return DeliveryVerdict.ENDED, f"{text}, and ended at {at(stretch.ended_at)}."
    return DeliveryVerdict.BEHIND, f"{text}: {node.node} has not found the new one yet."


def _sent_gap(asked: Asked, gap: GapFact, *, which: str) -> str:
    return (
        f"{asked.user} was sent a gap by {which} at {at(gap.at)}: what came up to {gap.upto} could "
        "not be had any more, and its client is to load its state anew."
    )


def _later(asked: Asked, stretch: Stretch, *, which: str) -> tuple[DeliveryVerdict, str]:
    if stretch.lost is not None:
        text = (
            f"{asked.user} came back at {at(stretch.began_at)} on {which} with a position that "
            f"could not be continued ({stretch.lost}), and was notified of that."
        )
        return DeliveryVerdict.GAP, text
    text = (
        f"{asked.user} subscribed to {asked.channel} at {at(stretch.began_at)} on {which}, after "
        f"it: the channel stood at {stretch.after} by then, and no earlier position was named."
    )
    return DeliveryVerdict.LATER, text


def _written(asked: Asked, stretch: Stretch, *, about: SessionFacts, which: str) -> str:
    text = f"It was written to the socket of {which}"
    if about.confirmed_at:
        text += f"; the newest proof that something arrived is of {at(about.confirmed_at)}, before"
    else:
        text += "; nothing has proven since that anything arrived there"
    if about.blocked_since and not stretch.ended_at:
        text += f". That socket takes no more since {at(about.blocked_since)}"
    if stretch.ended_at:
        text += f". It ended at {at(stretch.ended_at)}: {stretch.ended_by}"
    return f"{text}. Written is not received: {asked.user} may or may not have it."


def _not_written(
    asked: Asked, stretch: Stretch, *, about: SessionFacts, which: str
) -> tuple[DeliveryVerdict, str]:
    if stretch.ended_at:
        text = (
            f"The subscription of {asked.user} on {which} ended at {at(stretch.ended_at)}, before "
            f"it: {stretch.ended_by}. It was sent everything up to {stretch.upto}."
        )
        return DeliveryVerdict.ENDED, text
    if about.blocked_since:
        text = (
            f"It was not sent to {which} yet: its socket takes no more since "
            f"{at(about.blocked_since)}, and its cursor stands at {stretch.upto}."
        )
        return DeliveryVerdict.BLOCKED, text
    text = f"It is on its way to {which}: that stands at {stretch.upto}, its node at "
    return DeliveryVerdict.BEHIND, f"{text}{stretch.newest}."


def _gap(asked: Asked, gaps: list[GapFact], *, session: str) -> GapFact | None:
    for gap in gaps:
        is_this = gap.session == session and gap.epoch == asked.epoch
        if is_this and gap.after < asked.offset <= gap.upto:
            return gap
    return None


# All nodes.


def _nobody(asked: Asked, nodes: list[UserFacts]) -> Judged:
    since = f" since {at(min(one.since for one in nodes))}" if nodes else ""
    whom = f"session {asked.session}" if asked.session else f"a connection of {asked.user}"
    text = f"No gateway knows of {whom}{since}."
    return Judged(DeliveryVerdict.NOT_CONNECTED.value, text, "", None, 0)


def _doubts(
    asked: Asked,
    nodes: list[UserFacts],
    *,
    unanswered: list[str],
    departed: list[DepartedNode],
) -> list[str]:
    """What may be so without anybody here knowing it."""
    found = [f"{name} did not answer in time." for name in unanswered]
    found += [
        f"{gone.name} is gone since {at(gone.seen_at)}, and what it knew of {asked.user} with it."
        for gone in sorted(departed, key=lambda one: -one.seen_at)
        if not asked.published_at
        or gone.started_at <= asked.published_at <= gone.seen_at + SEEN_S_MAX
    ]
    found += [
        f"{node.node} has forgotten what was before {at(node.forgot_until)}."
        for node in nodes
        if node.forgot_until > asked.published_at
    ]
    found += [f"{node.node} keeps no history of sessions." for node in nodes if not node.remembers]
    return found


def _which(about: SessionFacts, node: UserFacts) -> str:
    kind = f"{about.protocol}, " if about.protocol else ""
    return f"session {about.session} ({kind}{node.node})"
