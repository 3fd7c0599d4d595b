"""What receivers of webhooks must have got at the end of a run."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from simulation.truth import demand

from riverd.auth.webhooks import WebhookEndpoint
from riverd.broker.memory.webhooks import WebhookStore
from riverd.broker.webhooks import QueuedEvent
from riverd.channels.names import divided
from riverd.model.webhook_events import RESET, RETURNS, SETTLE_MS

PUSHER_KINDS = {"member_added": "member_joined", "member_removed": "member_left"}
LEFT = {joined: left for left, joined in RETURNS.items()}


class Recorded(WebhookStore):
    """Remembers all that was ever written for each webhook."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.written: dict[str, dict[str, QueuedEvent]] = {}

    def append(
        self, webhook: str, kind: str, *, channel: str = "", event: QueuedEvent | None = None
    ) -> None:
        """Append, and note what came of it."""
        super().append(webhook, kind, channel=channel, event=event)
        for one in list(self.queue(webhook).entries.values())[-2:]:
            self.written.setdefault(webhook, {})[one.id] = one


@dataclass
class Received:
    """What one receiver got, each event once, with the time."""

    got: dict[str, tuple[dict[str, Any], float]] = field(default_factory=dict)

    def events(self) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
        """Kind, channel, user and the event, in the order in which they first came."""
        for event, _ in self.got.values():
            kind = event.get("type") or event["name"]
            yield (
                PUSHER_KINDS.get(kind, kind),
                event.get("channel", ""),
                event.get("user") or event.get("user_id", ""),
                event,
            )


@dataclass
class WebhookTruth:
    """What is true at the end.

    Args:
        here: channel and user of each member.
        said: how many client events were published, by channel: their data are 1, 2, 3, ...
        has_bad_day: what was given up was replayed.
        is_tight: queues have had room for a few events only.
    """

    store: Recorded
    here: Collection[tuple[str, str]]
    said: Mapping[str, int]
    has_bad_day: bool
    is_tight: bool

    def check(self, endpoint: WebhookEndpoint, received: Received) -> None:
        """Demand that one webhook got what it had to, and nothing else."""
        app = endpoint.interest.app
        mine = [name for name in self.said if divided(name)[0] == app]
        overflowed = self.store.queue(endpoint.id).overflows > 0
        demand(not self.store.queue(endpoint.id).dead, "something is dead after a replay")
        # After a bad day what was replayed is out of order by design.
        if not self.has_bad_day:
            self._check_leaves(endpoint, received)
            # Pusher's form has no event that takes back what was dropped.
            if app is None or not overflowed:
                self._check_order(received)
                self._check_state(received, mine)
        if not overflowed:
            for name in mine:
                got = [
                    int(event["data"])
                    for kind, channel, _, event in received.events()
                    if kind == "client_event" and channel == divided(name)[1]
                ]
                wanted = list(range(1, self.said[name] + 1))
                found = sorted(got) if self.has_bad_day else got
                demand(found == wanted, "{}: {} of {}", name, found, wanted)

    def _check_order(self, received: Received) -> None:
        """As it was written; after a reset somebody may leave or come whom it has named."""
        last: dict[tuple[str, str, str], str] = {}
        newest: dict[str, int] = {}
        for kind, channel, user, event in received.events():
            if kind == RESET or _is_of_reset(event):
                last.clear()
                continue
            number = int(event["id"].partition("-")[2])
            demand(number > newest.get(channel, 0), "{} {}: out of order", kind, channel)
            newest[channel] = number
            pair = LEFT.get(kind) or (kind if kind in RETURNS else None)
            if pair is not None:
                key = (pair, channel, user)
                demand(last.get(key) != kind, "{} {} {} twice", kind, channel, user)
                last[key] = kind

    def _check_leaves(self, endpoint: WebhookEndpoint, received: Received) -> None:
        """They wait, and a return in time cancels both."""
        written = self.store.written[endpoint.id]
        open_leaves: dict[tuple[str, str, str | None], QueuedEvent] = {}
        for event in written.values():
            if event.kind == RESET:
                # What was written after it waits for what was written before.
                open_leaves.clear()
            returned = LEFT.get(event.kind)
            if event.kind in RETURNS:
                open_leaves[event.kind, event.channel, event.user] = event
                if event.id in received.got:
                    waited_ms = received.got[event.id][1] * 1000 - event.at_ms
                    demand(waited_ms >= SETTLE_MS - 1, "{} sent after {} ms", event.kind, waited_ms)
            elif returned is not None:
                left = open_leaves.pop((returned, event.channel, event.user), None)
                in_time = left is not None and event.at_ms - left.at_ms < SETTLE_MS
                if left is not None and in_time and not self.is_tight:
                    sent = {left.id, event.id} & received.got.keys()
                    demand(not sent, "{} and {}: sent, although they cancel", left.kind, event.kind)

    def _check_state(self, received: Received, mine: list[str]) -> None:
        members: set[tuple[str, str]] = set()
        occupied: set[str] = set()
        for kind, channel, user, event in received.events():
            if kind == RESET:
                present = set(_present_at(event["state"]))
                members = {(name, who) for what, name, who in present if what == "member_joined"}
                occupied = {name for what, name, _ in present if what == "channel_occupied"}
            elif kind == "member_joined":
                members.add((channel, user))
            elif kind == "member_left":
                members.discard((channel, user))
            elif kind == "channel_occupied":
                occupied.add(channel)
            elif kind == "channel_vacated":
                occupied.discard(channel)
        wanted = {(divided(name)[1], user) for name, user in self.here if name in mine}
        demand(members == wanted, "members {}, in truth {}", members, wanted)
        in_truth = {name for name, _ in wanted}
        demand(occupied == in_truth, "occupied {}, in truth {}", occupied, in_truth)


def _present_at(state: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for one in state["channels"]:
        if one["subscribers"]:
            yield "channel_occupied", one["channel"], ""
        for user in one.get("members", ()):
            yield "member_joined", one["channel"], user


def _is_of_reset(event: Mapping[str, Any]) -> bool:
    """Whether it says again what is true: a reset in Pusher's form."""
    return "name" in event and str(event["id"]).count("-") > 1
