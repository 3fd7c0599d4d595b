"""Pusher's protocol for the clients of one app: who may do what, and the codec."""

from collections.abc import Iterator

from riverd.auth.apps import App, Apps
from riverd.auth.signatures import channel_signature, is_same, subscription_text, user_text
from riverd.channels.rules import ChannelRules
from riverd.errors import ErrorCode, Reason, RiverError, TokenError
from riverd.model.claims import Claims
from riverd.model.commands import Command, Proof, PublishCommand, SignIn, Subscribe
from riverd.model.log import Member
from riverd.model.replies import Bye, HistoryReply, Reply
from riverd.model.tabs import PageIdentity
from riverd.protocols.interface import ORIGIN, QUOTA, ChannelCommand, ClientIdentity, TurnedAway
from riverd.protocols.pusher import decoding, encoding, names, pages
from riverd.protocols.pusher.close_codes import PUSHER_CLOSE_CODES, PusherCode
from riverd.protocols.pusher.identity import info_of, member_of, signed_user
from riverd.protocols.pusher.names import Kind

CLIENT_EVENTS_RATE = 10.0


class PusherProtocol:
    """See `ClientProtocol`. A client is somebody only where its back end has signed it."""

    name = "pusher"
    refuses_upgrades = False
    echoes = False
    joins_channels = False
    needs_token = False
    shows_counts = True
    members_max: int | None = None
    publish_rate: float | None = CLIENT_EVENTS_RATE

    publications = staticmethod(encoding.publications)
    ephemerals = staticmethod(encoding.ephemerals)
    changes = staticmethod(encoding.changes)

    def __init__(self, app: App, apps: Apps, *, rules: ChannelRules) -> None:
        self._last_known = app
        self._apps = apps
        self._rules = rules

    @property
    def app(self) -> App:
        """The app as it is set now."""
        self._last_known = self._apps.by_id.get(self._last_known.id, self._last_known)
        return self._last_known

    @property
    def connections_max(self) -> int | None:
        """The app's limit."""
        return self.app.max_connections

    @property
    def presence_max(self) -> int | None:
        """The app's limit."""
        return self.app.max_members

    def decode(self, payload: bytes) -> Command | None:
        """The command in a message."""
        return decoding.decode(payload, self.app)

    def encode(self, reply: Reply) -> bytes:
        """A reply as frames."""
        return encoding.encode(reply, activity_timeout_s=self.app.activity_timeout_s)

    def encode_parts(self, reply: HistoryReply) -> Iterator[bytes]:
        """There are no histories in this protocol."""
        raise AssertionError(f"nobody has asked for a history of {reply.channel}")

    def session_secret(self, session_id: str) -> str:
        """No client continues a session in this protocol."""
        del session_id
        return ""

    def session_of(self, secret: str) -> str | None:
        """No client continues a session in this protocol."""
        del secret
        return None

    def authorise(self, command: ChannelCommand, client: ClientIdentity) -> Member | None:
        """The member that the back end has signed, in a presence channel."""
        match command:
            case Subscribe():
                return self._subscriber(command, client)
            case PublishCommand():
                return self._publisher(command, client)
            case _:
                return None

    def named_user(self, command: Subscribe) -> str:
        """The `user_id` of its `channel_data`."""
        if command.proof is None or command.proof.data is None:
            return ""
        try:
            return member_of(command.proof.data).user
        except RiverError:
            return ""

    def signed_in(self, command: SignIn, client: ClientIdentity) -> Claims:
        """The user that the back end has signed."""
        text = user_text(client.id, command.user_data)
        if not self._is_signed(Proof(command.signature), text):
            raise TokenError(ErrorCode.TOKEN_INVALID, "invalid signature of user_data")
        try:
            user = signed_user(command.user_data)
            info = info_of(user.user_info)
        except RiverError as error:
            raise TokenError(ErrorCode.TOKEN_INVALID, error.message) from None
        app = self.app
        watched = dict.fromkeys(map(str, user.watchlist or ())) if app.watchlists else ()
        return Claims(
            names.user_key(app, user.id),
            info=info,
            watches=tuple(names.user_key(app, one) for one in watched),
        )

    def turned_away(self, bye: Bye) -> TurnedAway:
        """An error that the client acts on as on a close code."""
        if bye.reason == QUOTA:
            return encoding.turned_away(
                PusherCode.OVER_QUOTA, "application is over its connection quota"
            )
        if bye.reason == ORIGIN:
            return encoding.turned_away(PusherCode.UNAUTHORIZED, "origin not allowed")
        return encoding.turned_away(PusherCode.OVER_CAPACITY, "over capacity: come again later")

    def page_of(self, path: str) -> PageIdentity | None:
        """What stands in the path before the app's."""
        found = pages.divided(path)[0]
        return None if found is None else pages.identity(self.app, found)

    def close_code(self, reason: Reason) -> int:
        """The protocol's number for a reason."""
        return PUSHER_CLOSE_CODES[reason]

    def _subscriber(self, command: Subscribe, client: ClientIdentity) -> Member | None:
        name = names.public(command.channel)
        kind, proof = names.kind_of(name), command.proof
        if kind is Kind.USER:
            self._check_own(name, client)
            return None
        if kind is Kind.PUBLIC:
            self._check_public(command.channel)
            return None
        if proof is None or not self._is_signed(
            proof, subscription_text(client.id, name, data=proof.data)
        ):
            raise RiverError(ErrorCode.FORBIDDEN, f"invalid signature for {name}")
        return (
            self._member(command.channel, proof, client=client) if kind is Kind.PRESENCE else None
        )

    def _member(self, channel: str, proof: Proof, *, client: ClientIdentity) -> Member:
        if not self._rules.has_members(channel):
            raise RiverError(ErrorCode.FORBIDDEN, "a channel rule takes this channel its members")
        if proof.data is not None:
            return member_of(proof.data)
        if client.claims is None:
            raise RiverError(ErrorCode.INVALID_FIELD, "a presence channel needs channel_data")
        return Member(names.user_in(client.claims.user), client.claims.info)

    def _publisher(self, command: PublishCommand, client: ClientIdentity) -> Member | None:
        name = names.public(command.channel)
        kind = names.kind_of(name)
        if not self.app.client_events:
            raise RiverError(ErrorCode.FORBIDDEN, "client events are not enabled for this app")
        if kind not in (Kind.PRIVATE, Kind.PRESENCE):
            raise RiverError(
                ErrorCode.FORBIDDEN, "client events are for private and presence channels"
            )
        if not self._rules.of(command.channel).client_publish:
            raise RiverError(ErrorCode.FORBIDDEN, "a channel rule allows no client events here")
        if not client.is_subscribed(command.channel):
            raise RiverError(ErrorCode.FORBIDDEN, f"not subscribed to {name}")
        return client.member_in(command.channel)

    def _check_own(self, name: str, client: ClientIdentity) -> None:
        user = name.removeprefix(names.OF_USER)
        if client.claims is None or names.user_in(client.claims.user) != user:
            raise RiverError(ErrorCode.FORBIDDEN, "only a user that has signed in has this channel")

    def _check_public(self, channel: str) -> None:
        """An app's key is public: in a native app an unsigned subscription has to be allowed."""
        if not self.app.native or self._rules.admits_guests(channel):
            return
        if self.app.public != "open" or self._rules.of(channel).needs_grant:
            raise RiverError(
                ErrorCode.FORBIDDEN,
                "this app shares River's channels: unsigned subscriptions need "
                'a channel rule with "access": "guest", or "public": "open"',
            )

    def _is_signed(self, proof: Proof, text: str) -> bool:
        key, _, signature = proof.signature.partition(":")
        secret = self._apps.secret(self.app.id, key)
        return secret is not None and is_same(signature, channel_signature(secret, text))
