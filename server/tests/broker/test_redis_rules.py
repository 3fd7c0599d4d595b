"""Processes compare their channel rules at the broker."""

from brokers import RedisBrokers

from riverd.channels.rules import ChannelRule, ChannelRules
from riverd.service.rules_watch import RulesWatch

ONE = ChannelRules(history_size=5, history_ttl_s=300)
OTHER = ChannelRules([ChannelRule(match="*", presence=True)], history_size=5, history_ttl_s=300)


async def test_processes_with_other_rules_are_found(redis_broker: RedisBrokers) -> None:
    watches = [
        RulesWatch(redis_broker(), rules, process=name)
        for name, rules in (("api/1", ONE), ("gateway/2", ONE), ("gateway/3", OTHER))
    ]
    for _ in range(2):
        for watch in watches:
            await watch.compare()
    assert [watch.differing for watch in watches] == [1, 1, 2]


async def test_a_process_whose_rules_were_mended_is_no_longer_counted(
    redis_broker: RedisBrokers,
) -> None:
    broker = redis_broker()
    await broker.compare_rules("gateway/3", OTHER.digest)
    assert await broker.compare_rules("gateway/3", ONE.digest) == {"gateway/3": ONE.digest}
