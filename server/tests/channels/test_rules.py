"""Channel rules: which one decides, what it may say, and what is refused."""

import json

import pytest

from riverd.channels.grants import Grants
from riverd.channels.rules import ChannelRule, ChannelRules, parse_rules
from riverd.commands.rules import explained
from riverd.errors import SettingsError


def rules(*given: ChannelRule, size: int = 100) -> ChannelRules:
    return ChannelRules(given, history_size=size, history_ttl_s=300)


def test_without_rules_the_defaults_hold() -> None:
    policy = rules().of("dogs")
    assert (policy.history_size, policy.history_ttl_s, policy.rule) == (100, 300, None)
    assert not policy.needs_grant
    assert policy.client_publish


def test_only_presence_channels_have_members_without_a_rule() -> None:
    assert rules().has_members("presence-board")
    for name in ("presence", "presenceboard", "private-presence-board"):
        assert not rules().has_members(name)


def test_the_first_rule_that_fits_decides_and_absent_fields_keep_the_default() -> None:
    found = rules(
        ChannelRule(match="chat-vip-*", history_size=5),
        ChannelRule(match="chat-*", history_size=500, history_ttl_s=9, presence=True),
    )
    assert found.of("chat-vip-1").history_size == 5
    assert not found.has_members("chat-vip-1")
    policy = found.of("chat-1")
    assert (policy.history_size, policy.history_ttl_s, policy.has_members) == (500, 9, True)
    assert found.of("dogs").rule is None


@pytest.mark.parametrize("field", ["history_size", "history_ttl_s", "history_bytes"])
def test_each_bound_of_a_window_may_be_0_and_keep_nothing(field: str) -> None:
    policy = rules(*parse_rules(json.dumps([{"match": "a", field: 0}]))).of("a")
    assert 0 in (policy.history_size, policy.history_bytes)


def test_a_rule_can_take_the_members_from_a_presence_channel() -> None:
    assert not rules(ChannelRule(match="presence-big", presence=False)).has_members("presence-big")


def test_a_channel_with_access_by_grant_needs_one() -> None:
    found = rules(ChannelRule(match="room-*", access="grant"))
    assert not found.may_subscribe(Grants(), "room-1")
    assert found.may_subscribe(Grants(subscribe=("room-?",)), "room-1")
    assert found.may_subscribe(Grants(channels=("room-1",)), "room-1")
    assert not found.may_subscribe(Grants(channels=("room-1",)), "room-2")
    assert found.may_subscribe(Grants(), "dogs")


def test_no_rule_opens_a_private_channel() -> None:
    found = rules(ChannelRule(match="*", access="open"))
    assert not found.may_subscribe(Grants(), "private-a")
    assert found.may_subscribe(Grants(channels=("private-a",)), "private-a")
    assert "the rule cannot open them" in explained(found, "private-a")


def test_an_open_channel_is_open_to_tokens_without_a_list_only() -> None:
    found = rules(ChannelRule(match="*", access="open"))
    assert not found.may_subscribe(Grants(subscribe=("cats",)), "dogs")


def test_no_client_publishes_where_a_rule_forbids_it() -> None:
    found = rules(ChannelRule(match="price-*", client_publish=False))
    grants = Grants(publish=("*",))
    assert not found.may_publish(grants, "price-1")
    assert found.may_publish(grants, "chat-1")


def test_the_digest_is_that_of_the_rules_and_of_the_defaults() -> None:
    one, same = (rules(ChannelRule(match="a*", presence=True)) for _ in range(2))
    assert one.digest == same.digest
    others = [rules(), rules(ChannelRule(match="a*")), rules(*one.rules, size=99)]
    assert len({one.digest, *(other.digest for other in others)}) == 4


def test_names_that_strangers_make_up_are_not_kept_for_ever() -> None:
    found = rules()
    for number in range(10_000):
        found.of(f"c{number}")
    assert len(found._policies) < 5_000


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[{", "truncated"),
        ("{}", "Expected `array`"),
        ("nonsense", "invalid character"),
        ('[{"history_size": 1}]', "missing required field `match`"),
        ('[{"match": "*", "histori_size": 1}]', "unknown field `histori_size`"),
        ('[{"match": ""}]', "length >= 1"),
        ('[{"match": "*", "history_size": -1}]', ">= 0"),
        ('[{"match": "*", "access": "everybody"}]', "Invalid enum value"),
        ('[{"match": "private-*", "access": "open"}]', "rule 1 (private-*) opens private"),
        ("[" * 100_000, "Expected `object`"),
        ('[{"match": "a"}, {"match": "chat *"}]', "rule 2 (chat *) fits no channel"),
        ('[{"match": "Räume-*"}]', "fits no channel"),
        ('[{"match": "a[b"}]', "fits no channel"),
        ('[{"match": "#control"}]', "fits no channel"),
    ],
)
def test_rules_that_are_wrong_are_refused_in_one_line(text: str, says: str) -> None:
    with pytest.raises(SettingsError, match="RIVER_CHANNEL_RULES") as caught:
        parse_rules(text)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "glob", ["*", "a[b-d]?!*", "[!]]x", "#user:*", "#user:auth0%7C*", "a|b/+~"]
)
def test_globs_that_fit_some_name_are_taken(glob: str) -> None:
    assert [rule.match for rule in parse_rules(json.dumps([{"match": glob}]))] == [glob]


def test_the_command_says_which_rule_decides() -> None:
    found = rules(ChannelRule(match="a*"), ChannelRule(match="b*", access="grant"))
    said = explained(found, "bees").splitlines()
    assert said[0] == "rule 2 of 2 decides: match b*"
    assert "  access          grant" in said
    assert explained(found, "cats").startswith("no rule fits cats")
    assert explained(rules(), "cats").startswith("no rules were given")


def test_the_command_says_that_guests_are_not_counted() -> None:
    found = rules(ChannelRule(match="presence-*", access="guest"))
    assert "  presence        yes, without guests: they are no members" in explained(
        found, "presence-room"
    )


def test_a_rule_that_an_earlier_one_covers_is_named_with_it() -> None:
    found = rules(*(ChannelRule(match=one) for one in ("a*", "*", "room-*", "ab*", "room-*")))
    assert list(found.undecided()) == [(3, 2), (4, 1), (5, 2)]
    said = explained(found, "room-1").splitlines()
    assert "rule 3 (room-*) never decides: rule 2 (*) comes first" in said
    narrow_first = rules(*(ChannelRule(match=one) for one in ("room-?", "room-*", "*")))
    assert "never" not in explained(narrow_first, "room-1")


def test_as_many_rules_as_there_may_be_are_compared_in_a_moment() -> None:
    alike = rules(*(ChannelRule(match=f"room-{number}-*") for number in range(1_000)))
    assert list(alike.undecided()) == []


def test_a_window_is_bounded_in_bytes_and_the_newest_may_outlive_it() -> None:
    found = rules(
        ChannelRule(match="price-*", keep_last=True, history_bytes=1_000),
        ChannelRule(match="flag-*", keep_last=True, last_ttl_s=60),
    )
    price, flag, dogs = found.of("price-1"), found.of("flag-1"), found.of("dogs")
    assert (price.history_bytes, price.last_ttl_s) == (1_000, 86_400)
    assert (flag.history_bytes, flag.last_ttl_s) == (1_048_576, 60)
    assert dogs.last_ttl_s == 0
    assert "keep_last       for 86400 s" in explained(found, "price-1")
    assert "history_bytes   1000" in explained(found, "price-1")
    assert "keep_last       no" in explained(found, "dogs")


@pytest.mark.parametrize(
    "wrong",
    [
        '[{"match": "a", "last_ttl_s": 5}]',
        '[{"match": "a", "keep_last": true, "last_ttl_s": 0}]',
        '[{"match": "a", "keep_last": true, "last_ttl_s": 9e9}]',
        '[{"match": "a", "keep_last": 1}]',
        '[{"match": "a", "history_bytes": -1}]',
        '[{"match": "a", "history_bytes": 1.5}]',
    ],
)
def test_windows_that_cannot_be_are_refused(wrong: str) -> None:
    with pytest.raises(SettingsError, match="RIVER_CHANNEL_RULES"):
        parse_rules(wrong)


def test_a_channel_for_guests_is_for_everybody_but_never_a_private_one() -> None:
    found = rules(ChannelRule(match="*", access="guest"))
    assert found.admits_guests("price-1")
    assert found.may_subscribe(Grants(subscribe=("news",)), "price-1")
    assert not found.may_publish(Grants(), "price-1")
    assert not found.admits_guests("private-price")
    assert not found.may_subscribe(Grants(), "private-price")
    assert "access          guest" in explained(found, "price-1")
    assert "the rule cannot open them" in explained(found, "private-price")
    assert not rules(ChannelRule(match="*", access="open")).admits_guests("price-1")
    with pytest.raises(SettingsError, match="private"):
        parse_rules('[{"match": "private-*", "access": "guest"}]')


def test_a_rule_for_all_channels_sets_the_window_of_users_own_and_opens_none() -> None:
    wide = ChannelRule(match="*", access="guest", presence=True, history_size=3)
    policy = rules(wide).of("#user:ann")
    assert (policy.history_size, policy.has_members) == (3, False)
    assert policy.needs_grant
    assert not policy.is_for_guests


def test_a_deployment_whose_users_have_channels_has_another_digest() -> None:
    on = ChannelRules(history_size=1, history_ttl_s=1, user_channels=True)
    assert on.digest != ChannelRules(history_size=1, history_ttl_s=1).digest
