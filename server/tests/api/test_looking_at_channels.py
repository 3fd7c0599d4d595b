"""`GET /channels...`: counts, positions, history, members."""

import pytest
from api_server import Served, new_channel, over_a_socket, run

from riverd.model.log import Member, Message


def test_occupied_channels_are_listed_with_their_counts(api: Served) -> None:
    plain, members = new_channel("list-"), new_channel("presence-list-")
    door = api.door()
    run(door.report({plain: 3, members: 2}))
    run(door.join(members, Member("ann")))
    listed = api.get("/channels").json["channels"]
    assert listed[plain] == {"subscribers": 3}
    assert listed[members] == {"subscribers": 2, "users": 1}


def test_the_list_can_be_asked_for_a_prefix(api: Served) -> None:
    wanted, other = new_channel("forum,"), new_channel("chat,")
    run(api.door().report({wanted: 1, other: 1}))
    assert api.get("/channels?prefix=forum,").json == {"channels": {wanted: {"subscribers": 1}}}
    assert api.get("/channels?prefix=forum%2C").json == {"channels": {wanted: {"subscribers": 1}}}


def test_a_channel_tells_its_counts_and_its_position(api: Served) -> None:
    channel = new_channel()
    placed = api.publish(channel=channel, event="e").json
    run(api.door().report({channel: 4}))
    told = api.get(f"/channels/{channel}")
    assert told.status == 200
    assert told.json == {"channel": channel, "subscribers": 4, **placed}


def test_a_channel_that_nobody_hears_has_zeros(api: Served) -> None:
    channel = new_channel("presence-")
    told = api.get(f"/channels/{channel}").json
    assert (told["subscribers"], told["users"], told["offset"]) == (0, 0, 0)


def test_history_gives_the_last_publications_oldest_first(api: Served) -> None:
    channel = new_channel()
    for number in range(5):
        api.publish(channel=channel, event=f"e{number}", data={"n": number})
    told = api.get(f"/channels/{channel}/history?limit=2").json
    assert told["offset"] == 5
    assert told["publications"] == [
        {"offset": 4, "event": "e3", "data": {"n": 3}},
        {"offset": 5, "event": "e4", "data": {"n": 4}},
    ]


def test_history_goes_on_from_a_position(api: Served) -> None:
    channel = new_channel()
    answers = [api.publish(channel=channel, event="e") for _ in range(5)]
    epoch = answers[0].json["epoch"]
    told = api.get(f"/channels/{channel}/history?epoch={epoch}&offset=1&limit=3").json
    assert (told["channel"], told["epoch"], told["offset"]) == (channel, epoch, 5)
    assert [entry["offset"] for entry in told["publications"]] == [2, 3, 4]
    end = api.get(f"/channels/{channel}/history?epoch={epoch}&offset=5")
    assert end.json["publications"] == []


def test_history_gives_a_hundred_unless_told(api: Served) -> None:
    channel = new_channel()
    message = {"channel": channel, "event": "e"}
    api.post("/publish/batch", {"messages": [message] * 120})
    assert len(api.get(f"/channels/{channel}/history").json["publications"]) == 100
    more = api.get(f"/channels/{channel}/history?limit=1000").json["publications"]
    assert len(more) == 120


def test_history_tells_which_client_published(api: Served) -> None:
    channel = new_channel()
    run(api.door().publish(Message(channel, "e", b"1", user="ann")))
    entries = api.get(f"/channels/{channel}/history").json["publications"]
    assert entries == [{"offset": 1, "event": "e", "data": 1, "user": "ann"}]


def test_history_that_cannot_be_had_is_gone_with_a_reason(api: Served) -> None:
    channel = new_channel()
    messages = [{"channel": channel, "event": "e"}] * 1000
    epoch = api.post("/publish/batch", {"messages": messages}).json["results"][0]["epoch"]
    api.publish(channel=channel, event="e")
    reasons = {"epoch=no&offset=1": "epoch", f"epoch={epoch}&offset=5000": "unknown"}
    reasons[f"epoch={epoch}&offset=0"] = "window"
    for query, reason in reasons.items():
        answer = api.get(f"/channels/{channel}/history?{query}")
        assert (answer.status, answer.code) == (410, "unrecoverable")
        assert answer.json["error"]["message"] == reason


@pytest.mark.parametrize(
    "query",
    [
        "epoch=e1",
        "offset=1",
        "epoch=e1&offset=-1",
        "epoch=e1&offset=x",
        "epoch=e1&offset=1.0",
        "epoch=e1&offset=%C2%B2",
        "epoch=e1&offset=" + "9" * 5000,
        "limit=0",
        "limit=1001",
        "limit=many",
        "limit=%FF",
        "limit=1&limit=2",
        "limit=&limit=2",
        "&".join(f"p{number}=1" for number in range(50)),
    ],
)
def test_a_wrong_query_is_told(api: Served, query: str) -> None:
    answer = api.get(f"/channels/{new_channel()}/history?{query}")
    assert (answer.status, answer.code) == (400, "invalid_field")


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/channels?prefx=a", "unknown query parameter 'prefx': did you mean prefix?"),
        ("/channels?prefx=", "unknown query parameter 'prefx': did you mean prefix?"),
        ("/channels?Limit=1", "did you mean limit?"),
        ("/channels/a/history?ofset=1", "did you mean offset?"),
        ("/channels/a/presence?limit=1", "the query parameters are channel"),
        ("/users/-?usr=ann", "did you mean user?"),
        ("/nodes?limit=1", "there are no query parameters here"),
        (f"/nodes?{'a' * 100}=1", f"unknown query parameter '{'a' * 64}...': there"),
    ],
)
def test_a_parameter_that_the_path_does_not_have_is_refused_with_a_guess(
    api: Served, path: str, reason: str
) -> None:
    answer = api.get(path)
    assert (answer.status, answer.code) == (400, "invalid_field")
    assert reason in answer.json["error"]["message"]


def test_a_publication_with_a_parameter_is_refused(api: Served) -> None:
    answer = api.post("/publish?channel=a", {"event": "e"})
    assert (answer.status, answer.code) == (400, "invalid_field")


def test_probes_may_send_any_parameter(api: Served) -> None:
    assert api.get("/healthz?at=1").status == 200


def test_empty_parameters_are_as_if_absent(api: Served) -> None:
    answer = api.get(f"/channels/{new_channel()}/history?epoch=&offset=&limit=")
    assert answer.status == 200


def test_members_are_told_with_their_info(api: Served) -> None:
    channel = new_channel("presence-")
    door = api.door()
    run(door.join(channel, Member("ann", b'{"name":"Ann"}')))
    run(door.join(channel, Member("bob")))
    assert api.get(f"/channels/{channel}/presence").json == {
        "channel": channel,
        "count": 2,
        "members": [{"user": "ann", "info": {"name": "Ann"}}, {"user": "bob"}],
    }


def test_only_presence_channels_have_members(api: Served) -> None:
    for channel in ("plain", "presence", "private-presence-x"):
        answer = api.get(f"/channels/{channel}/presence")
        assert (answer.status, answer.code) == (400, "channel_invalid")


@pytest.mark.parametrize("path", ["", "/history", "/presence"])
@pytest.mark.parametrize("name", ["a%20b", "%C3%A9", "c" * 165, "a%252Cb", "", "%0A"])
def test_a_name_against_the_grammar_is_told(api: Served, name: str, path: str) -> None:
    answer = api.get(f"/channels/{name}{path}")
    assert (answer.status, answer.code) == (400, "channel_invalid")


# Behind API Gateway, which decodes the path, there is nothing there.
@over_a_socket
def test_a_slash_in_a_channels_name_is_no_slash_of_the_path(api: Served) -> None:
    answer = api.get("/channels/a%2Fb")
    assert (answer.status, answer.json["channel"]) == (200, "a/b")


def test_a_prefix_against_the_grammar_is_told(api: Served) -> None:
    assert api.get("/channels?prefix=a%20b").code == "channel_invalid"


def test_a_name_in_a_path_is_decoded_once(api: Served) -> None:
    assert api.get("/channels/a%2Cb%40c").json["channel"] == "a,b@c"


@over_a_socket
def test_a_path_that_is_no_utf_8_is_told(api: Served) -> None:
    answer = api.get("/channels/%FF")
    assert (answer.status, answer.code) == (400, "invalid_field")


@pytest.mark.parametrize("path", ["/channels/{}", "/channels/{}/history"])
def test_position_of_a_channel_without_publications_can_be_resumed_from(
    api: Served, path: str
) -> None:
    channel = new_channel()
    empty = api.get(path.format(channel)).json
    assert empty["epoch"]
    first = api.publish(channel=channel, event="e").json
    assert (first["epoch"], first["offset"]) == (empty["epoch"], 1)
