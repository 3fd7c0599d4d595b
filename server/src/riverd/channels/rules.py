"""Channel rules: what a deployment says of its channels, by globs. The first that fits decides."""

import re
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from riverd.channels.globs import Globs, covers
from riverd.channels.grants import Grants, may_publish, may_subscribe
from riverd.channels.names import (
    CACHE,
    CONTROL,
    NAME_LENGTH_MAX,
    PRESENCE,
    PRIVATE,
    TRACE,
    USER,
    divided,
)
from riverd.errors import SettingsError

HISTORY_SIZE_MAX = 100_000
HISTORY_TTL_S_MAX = 86_400
HISTORY_BYTES = 1_048_576
HISTORY_BYTES_MAX = 1_073_741_824
LAST_TTL_S = 86_400.0
LAST_TTL_S_MAX = 2_592_000
RULES_MAX = 1_000
POLICIES_KEPT_MAX = 4_096
CACHE_TTL_S = 1_800.0
"""How long Pusher's cache channels keep their last event."""
ORDERS_MAX = 100_000
ORDERS_TTL_S = 86_400.0


class ChannelRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry of RIVER_CHANNEL_RULES; a field that is absent keeps the default."""

    match: Annotated[str, Meta(min_length=1, max_length=NAME_LENGTH_MAX)]
    history_size: Annotated[int, Meta(ge=0, le=HISTORY_SIZE_MAX)] | None = None
    history_ttl_s: Annotated[float, Meta(ge=0, le=HISTORY_TTL_S_MAX)] | None = None
    history_bytes: Annotated[int, Meta(ge=0, le=HISTORY_BYTES_MAX)] | None = None
    keep_last: bool = False
    last_ttl_s: Annotated[float, Meta(gt=0, le=LAST_TTL_S_MAX)] | None = None
    access: Literal["open", "grant", "guest"] | None = None
    presence: bool | None = None
    client_publish: bool = True


class ChannelPolicy(msgspec.Struct, frozen=True):
    """What holds for one channel. `rule` is the number of the rule that decides, from 0.

    For `last_ttl_s` the newest publication outlives the window; 0: it does not.
    """

    history_size: int
    history_ttl_s: float
    history_bytes: int
    last_ttl_s: float
    needs_grant: bool
    is_for_guests: bool
    has_members: bool
    client_publish: bool
    rule: int | None = None


CONTROL_POLICY = ChannelPolicy(
    ORDERS_MAX,
    ORDERS_TTL_S,
    HISTORY_BYTES_MAX,
    last_ttl_s=0,
    needs_grant=True,
    is_for_guests=False,
    has_members=False,
    client_publish=False,
)


TRACE_POLICY = msgspec.structs.replace(CONTROL_POLICY, history_size=200, history_ttl_s=60)


class Sharing(msgspec.Struct, frozen=True):
    """A Pusher app has the same channels: what that changes for all who use them."""

    presence_needs_grant: bool


class ChannelRules:
    """All rules of a deployment, with the defaults of its settings."""

    def __init__(
        self,
        rules: Iterable[ChannelRule] = (),
        *,
        history_size: int,
        history_ttl_s: float,
        history_bytes: int = HISTORY_BYTES,
        shared: Sharing | None = None,
        user_channels: bool = False,
    ) -> None:
        self.rules = tuple(rules)
        self.user_channels = user_channels
        """Whether every user has a channel that all its connections are subscribed to."""
        self._shared = shared
        self._globs = [Globs((rule.match,)) for rule in self.rules]
        self._history_size = history_size
        self._history_ttl_s = history_ttl_s
        self._history_bytes = history_bytes
        self._policies: dict[str, ChannelPolicy] = {}

    @property
    def digest(self) -> str:
        """The same for the same rules and defaults, in every process."""
        known: tuple[object, ...] = (
            self.rules,
            self._history_size,
            self._history_ttl_s,
            self._history_bytes,
            *(["user channels"] if self.user_channels else []),
        )
        # Without an app the digest is that of versions that knew none.
        text = msgspec.json.encode(known if self._shared is None else (*known, self._shared))
        return sha256(text).hexdigest()[:16]

    @property
    def longest_ttl_s(self) -> float:
        """No channel keeps anything for longer."""
        kept = (max(rule.history_ttl_s or 0, _last_ttl_s(rule)) for rule in self.rules)
        return max(self._history_ttl_s, CACHE_TTL_S, *kept)

    def undecided(self) -> Iterator[tuple[int, int]]:
        """Rules that never decide, each with an earlier one that fits all its channels, from 1."""
        for number, rule in enumerate(self.rules):
            for earlier, other in enumerate(self.rules[:number]):
                if covers(other.match, rule.match):
                    yield number + 1, earlier + 1
                    break

    def of(self, channel: str) -> ChannelPolicy:
        """What holds for a channel."""
        policy = self._policies.get(channel)
        if policy is None:
            if len(self._policies) >= POLICIES_KEPT_MAX:
                self._policies.clear()
            policy = self._policies[channel] = self._decided(channel)
        return policy

    def has_members(self, channel: str) -> bool:
        """Whether the channel keeps a list of who is in it."""
        return self.of(channel).has_members

    def may_subscribe(self, grants: Grants, channel: str) -> bool:
        """Whether a client with these grants may subscribe to the channel."""
        if self.of(channel).is_for_guests:
            # What guests may see is open to all clients.
            return True
        if grants.subscribe is None and self.of(channel).needs_grant:
            return channel in grants.channels
        return may_subscribe(grants, channel)

    def admits_guests(self, channel: str) -> bool:
        """Whether clients without a token may subscribe to the channel."""
        return self.of(channel).is_for_guests

    def may_publish(self, grants: Grants, channel: str) -> bool:
        """Whether a client with these grants may publish to the channel."""
        return self.of(channel).client_publish and may_publish(grants, channel)

    def _decided(self, channel: str) -> ChannelPolicy:
        if channel == CONTROL:
            return CONTROL_POLICY
        if channel.startswith(TRACE):
            return TRACE_POLICY
        app, name = divided(channel)
        number, rule = self._rule_of(name)
        has_members, is_users = name.startswith(PRESENCE), name.startswith(USER)
        size = self._history_size if rule.history_size is None else rule.history_size
        ttl_s = self._history_ttl_s if rule.history_ttl_s is None else rule.history_ttl_s
        last_ttl_s = _last_ttl_s(rule)
        if name.startswith(CACHE) and (app is not None or self._shared is not None):
            # The window too: what clients publish must not push out the back end's last event.
            ttl_s, last_ttl_s = max(ttl_s, CACHE_TTL_S), max(last_ttl_s, CACHE_TTL_S)
        is_closed = (
            is_users
            or name.startswith(PRIVATE)
            or (has_members and self._shared is not None and self._shared.presence_needs_grant)
        )
        return ChannelPolicy(
            size if ttl_s else 0,
            ttl_s,
            self._history_bytes if rule.history_bytes is None else rule.history_bytes,
            last_ttl_s,
            # A rule can close a channel, never open one that needs a grant.
            is_closed or rule.access == "grant",
            rule.access == "guest" and not is_closed,
            # In an app with channels of its own the name alone says it, as in a user's own.
            has_members if rule.presence is None or app is not None or is_users else rule.presence,
            rule.client_publish,
            number,
        )

    def _rule_of(self, name: str) -> tuple[int | None, ChannelRule]:
        for number, (rule, globs) in enumerate(zip(self.rules, self._globs, strict=True)):
            if globs.match(name):
                return number, rule
        return None, _NO_RULE


def _last_ttl_s(rule: ChannelRule) -> float:
    if not rule.keep_last:
        return 0
    return LAST_TTL_S if rule.last_ttl_s is None else rule.last_ttl_s


_NO_RULE = ChannelRule(match="*")
_WILD = re.compile(r"[*?]|\[!?\]?[^]]*\]")
_LITERAL = re.compile(r"[A-Za-z0-9_\-=@,.;:|+/~!]*")
_decode = msgspec.json.Decoder(list[ChannelRule]).decode


def _fits_a_name(glob: str) -> bool:
    """Whether its literal characters may stand in a name, that of a user's own included."""
    literal = _WILD.sub("", glob.removeprefix(USER))
    return (
        _LITERAL.fullmatch(literal.replace("%", "") if glob.startswith(USER) else literal)
        is not None
    )


def parse_rules(text: str) -> tuple[ChannelRule, ...]:
    """The rules in a JSON text.

    Raises:
        SettingsError: one line that says what is wrong with them.
    """
    try:
        rules = _decode(text)
    except msgspec.DecodeError as error:
        raise SettingsError(f"RIVER_CHANNEL_RULES: {error}") from None
    if len(rules) > RULES_MAX:
        raise SettingsError(f"RIVER_CHANNEL_RULES: more than {RULES_MAX} rules")
    for number, rule in enumerate(rules, 1):
        if not _fits_a_name(rule.match):
            raise SettingsError(
                f"RIVER_CHANNEL_RULES: rule {number} ({rule.match}) fits no channel: names have "
                "A-Z a-z 0-9 _ - = @ , . ; : | + / ~ !"
            )
        if rule.access in ("open", "guest") and rule.match.startswith(PRIVATE):
            raise SettingsError(
                f"RIVER_CHANNEL_RULES: rule {number} ({rule.match}) opens private channels: "
                "these always need a grant"
            )
        if rule.last_ttl_s is not None and not rule.keep_last:
            raise SettingsError(
                f"RIVER_CHANNEL_RULES: rule {number} ({rule.match}): last_ttl_s needs keep_last"
            )
    return tuple(rules)
