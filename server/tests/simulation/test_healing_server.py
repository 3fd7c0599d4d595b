"""The simulator's stand-in for a broker that is healed."""

import pytest
from simulation.server import Server
from simulation.world import World

from riverd.channels.rules import ChannelRule, ChannelRules
from riverd.errors import BrokerError
from riverd.healing.offers import HealedLog
from riverd.healing.process import Term
from riverd.model.log import Position, Publication


def test_a_flush_ends_the_round_in_which_it_was_healed() -> None:
    world = World(2)
    healing = world.server.healing
    world.server.flush()
    turn = healing.turn("a", 2, "round")
    assert turn.round == "round"
    healing.restore(Term(2, "round"), [])
    world.server.flush()
    with pytest.raises(BrokerError, match="the round is over"):
        healing.open(Term(2, "round"), ["a"])
    world.loop.close()


def test_what_is_too_old_when_it_is_healed_is_not_held() -> None:
    world = World(2)
    rule = ChannelRule(match="dogs", keep_last=True, last_ttl_s=10.0)
    world.rules = ChannelRules((rule,), history_size=1, history_ttl_s=2.0)
    server = world.server = Server(world)
    for age_s, held in ((5.0, 1), (9.0, 0)):
        one = Publication(1, "number", b"1")
        log = HealedLog("dogs", f"e{age_s}", 1, (one,), (age_s,))
        server._newest_at["dogs", log.epoch] = world.now - age_s
        server.opened({"dogs": log}, {})
        assert server.has("dogs", Position(log.epoch, 0)) == bool(held)
        assert len(server.store._logs["dogs"].entries) == held
    world.loop.close()
