"""Changes that a node made before it knew of the webhooks that ask for them.

A node looks every two seconds at what is wanted. The first reset of a new webhook may be sent
before that; a change after it that is written for nobody would never be sent. So a node that
learns of a webhook has another reset written, if anything changed since its look before.
"""

from collections.abc import Sequence

from riverd.model.webhook_events import Interest, Wanted, WebhookInterests, WebhookKind

NAMES_MAX = 4_096
_ANY = ""
"""Stands for all channels: more changed than are remembered."""
_EVERY = frozenset(WebhookKind)


class MissedChanges:
    """What changed since the last look, and which webhooks missed something of it.

    The owner calls `begin_look` before it asks the broker what is wanted, and `end_look` with the
    answer. After a look that failed, what changed before it is still remembered.
    """

    def __init__(self, interests: WebhookInterests) -> None:
        self.webhooks: set[str] = set()
        """Those that need a reset; the owner removes those that have one."""
        self._interests = interests
        self._before: set[str] = set()
        self._since: set[str] = set()

    def changed(
        self, channel: str, kinds: frozenset[WebhookKind], *, wanted: Sequence[Wanted]
    ) -> None:
        """A change was made, which may have brought about events of these kinds for `wanted`."""
        self._since.add(channel if len(self._since) < NAMES_MAX else _ANY)
        # Of a webhook that the node learnt of meanwhile, the reset may be older than the change.
        now = self._interests.of(channel, kinds)
        self.webhooks |= {one.webhook for one in now if one not in wanted}

    def begin_look(self) -> None:
        """What changes from now on changes before the next look."""
        self._before |= self._since
        if len(self._before) > NAMES_MAX:
            self._before = {_ANY}
        self._since = set()

    def end_look(self, wanted: Sequence[Interest]) -> None:
        """This was wanted at the look: use it."""
        learnt = WebhookInterests(one for one in wanted if one not in self._interests.all)
        for name in self._before | self._since if learnt.all else ():
            found = learnt.all if name == _ANY else learnt.of(name, _EVERY)
            self.webhooks |= {one.webhook for one in found}
        self._before = set()
        if tuple(wanted) != self._interests.all:
            self._interests.use(wanted)
