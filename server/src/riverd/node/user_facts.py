"""What a node knows of a user or a session, and a channel: what it remembers, and what is so."""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence

from riverd.channels.names import INTERNAL, app_channel, divided, user_channel
from riverd.core.channel import Channel
from riverd.core.hub import Hub
from riverd.core.session import Session, Subscription
from riverd.errors import RiverError
from riverd.model.commands import Subscribe
from riverd.model.facts import (
    FACTS_MAX,
    SESSIONS_MAX,
    Fact,
    GapFact,
    RefusedFact,
    SessionFacts,
    Stretch,
    UserFacts,
)
from riverd.model.orders import Question
from riverd.node.session_history import SessionHistory
from riverd.node.users import Users
from riverd.scheduling.portions import keys_in_portions, portions

CHANNELS_MAX = 200
LOOKED_AT_ONCE = 5_000
"""Sessions: to look at one takes next to nothing."""


class UserFactFinder:
    """Answers the questions "explain" and "explain_session".

    `sessions` are those that are open, `name` is what the node is called.
    """

    def __init__(
        self,
        history: SessionHistory,
        users: Users,
        *,
        sessions: Iterable[Session],
        hub: Hub,
        name: Callable[[], str],
    ) -> None:
        self._history = history
        self._users = users
        self._sessions = sessions
        self._hub = hub
        self._name = name

    async def find(self, asked: Question) -> UserFacts:
        """What is known of `asked.user` in `asked.channel`."""
        history, name = self._history, asked.channel
        users = _names_of(asked.user, name)
        past: list[Fact] = list(history.naming(asked.user))
        past += [fact for user in users for fact in history.of(user)]
        subscribed = {fact.session for fact in past if isinstance(fact, Stretch)}
        # A connection that is somebody in some channels only is kept under nobody.
        past += [
            fact
            for fact in history.of("")
            if isinstance(fact, SessionFacts) and fact.session in subscribed
        ]
        live = list[Session]()
        for user in users:
            live += await self._live(user, name)
        return self._facts(
            asked, past, live=live, forgot_until=max(map(history.forgot_until, users))
        )

    async def find_session(self, asked: Question) -> UserFacts:
        """What is known of `asked.session` in `asked.channel`."""
        history, live = self._history, list[Session]()
        async for some in portions(list(self._sessions), LOOKED_AT_ONCE):
            live += [one for one in some if one.id == asked.session and not one.closed]
        past = history.of_session(asked.session)
        return self._facts(asked, past, live=live, forgot_until=history.forgot_some_until())

    def _facts(
        self, asked: Question, past: list[Fact], *, live: list[Session], forgot_until: float
    ) -> UserFacts:
        history, name = self._history, asked.channel
        channel = self._hub.channels.get(name)
        stretches = [one for one in past if isinstance(one, Stretch) and one.channel == name]
        if channel is not None:
            for session in live:
                subscription = session.subscriptions.get(name)
                if subscription is not None and subscription.is_admitted:
                    found = history.stretch_of(subscription, channel)
                    stretches += [] if found is None else [found]
        sessions = [one for one in past if isinstance(one, SessionFacts)]
        sessions += [history.facts_of(one) for one in live if one.start is not None]
        return UserFacts(
            self._name(),
            history.began_at,
            forgot_until=forgot_until,
            taken_at=0 if channel is None else history.taken_at(channel, asked.offset),
            sessions=_chosen(sessions, stretches),
            stretches=stretches[-FACTS_MAX:],
            gaps=[o for o in past if isinstance(o, GapFact) and o.channel == name][-FACTS_MAX:],
            refused=[o for o in past if isinstance(o, RefusedFact) and o.channel == name][-10:],
            restarts=[one for one in history.restarts if one.channel == name][-FACTS_MAX:],
            channels=_channels(past, live, app_id=divided(name)[0]),
            forbidden=_forbidden(live, name),
        )

    async def _live(self, user: str, name: str) -> list[Session]:
        sessions = self._users.of(user)[-SESSIONS_MAX:]
        channel = self._hub.channels.get(name)
        if sessions or channel is None:
            return sessions
        # Some may be looked at twice.
        members = dict[Session, None]()
        async for some in _subscribers(channel):
            members |= {one.session: None for one in some if _is_only_member(one, user)}
            if len(members) >= SESSIONS_MAX:
                break
        return [one for one in members if not one.closed][:SESSIONS_MAX]


async def _subscribers(channel: Channel) -> AsyncIterator[Sequence[Subscription]]:
    """All of a channel, so many at a time at most."""
    for audience in list(channel.audiences.values()):
        async for some in keys_in_portions(audience.live, LOOKED_AT_ONCE):
            yield some
        async for others in portions(list(audience.behind), LOOKED_AT_ONCE):
            yield others
        for crowd in audience.lost:
            async for lost in keys_in_portions(crowd.subscriptions, LOOKED_AT_ONCE):
                yield lost


def _is_only_member(subscription: Subscription, user: str) -> bool:
    """Whether it is of one that is a user in its channel only, as in the Pusher protocol."""
    member = subscription.member
    return member is not None and member.user == user and subscription.session.claims is None


def _chosen(sessions: list[SessionFacts], stretches: list[Stretch]) -> list[SessionFacts]:
    """The newest sessions, and those among the others that were subscribed."""
    subscribed = {one.session for one in stretches}
    older = [one for one in sessions[:-SESSIONS_MAX] if one.session in subscribed]
    return older[-SESSIONS_MAX:] + sessions[-SESSIONS_MAX:]


def _names_of(user: str, channel: str) -> list[str]:
    """What the user of a channel is called here: one of an app of its own has two names."""
    app_id, _ = divided(channel)
    return [user] if app_id is None else [user, app_channel(app_id, user_channel(user))]


def _channels(past: list[Fact], live: list[Session], *, app_id: str | None) -> list[str]:
    """Where the user was or is subscribed, by the names that back ends know."""
    names = {one.channel for one in past if isinstance(one, Stretch)}
    names.update(*(session.subscriptions for session in live))
    known = [name for app, name in map(divided, names) if app == app_id]
    return sorted(name for name in known if not name.startswith(INTERNAL))[:CHANNELS_MAX]


def _forbidden(live: list[Session], name: str) -> str:
    """The code with which all connections that are open now would be refused the channel."""
    code = ""
    for session in live:
        if session.protocol.name != "native" or session.claims is None:
            return ""
        try:
            session.authorise(Subscribe(None, name))
        except RiverError as error:
            code = error.error.code
        else:
            return ""
    return code
