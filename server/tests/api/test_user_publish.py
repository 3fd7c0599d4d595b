"""`POST /users/U/publish`."""

import json
from functools import partial

import pytest
from api_server import RULES as NO_USERS
from api_server import Served

from riverd.api.context import Api, Call
from riverd.api.endpoints.publish import publish_to_user
from riverd.auth.api_keys import Keys
from riverd.broker.memory.broker import MemoryBroker
from riverd.broker.memory.store import Store
from riverd.broker.memory.switchboard import Switchboard
from riverd.channels.grants import Grants
from riverd.channels.names import user_channel
from riverd.channels.rules import ChannelRules
from riverd.errors import RiverError
from riverd.model.claims import Claims
from riverd.model.log import Position

RULES = ChannelRules(history_size=10, history_ttl_s=300, user_channels=True)


def api_of(rules: ChannelRules) -> Api:
    board = Switchboard(Store(rules, new_epoch=partial(str, "e")))
    return Api(MemoryBroker(board, lambda: 0.0), Keys(("k",)), rules)


def call(user: str, claims: Claims | None = None, **body: object) -> Call:
    return Call({"user": user}, {}, json.dumps(body).encode(), claims)


@pytest.mark.parametrize("user", ["ann", "github/17", "{x}", "..", "ü" * 128])
async def test_it_is_appended_to_the_log_of_the_user_and_of_no_other(user: str) -> None:
    api = api_of(RULES)
    given = await publish_to_user(api, call(user, event="e", data={"n": 1}, id="k"))
    assert given == Position("e", 1)
    assert await publish_to_user(api, call(user, eventName="e", id="k")) == given
    tail = await api.broker.read(user_channel(user))
    assert [one.data for one in tail.publications] == [b'{"n": 1}']
    assert (await api.broker.read(user_channel("ben"))).position.epoch == ""


@pytest.mark.parametrize(
    ("user", "body", "code"),
    [
        ("ann", {"data": 1}, "invalid_field"),
        ("ann", {"event": ""}, "event_invalid"),
        ("ann", {"event": "e", "channel": "c"}, "invalid_field"),
        ("ann", {"event": "e", "exclude": ""}, "invalid_field"),
        ("ann", {"event": "e", "data": "x" * 70_000}, "too_large"),
        ("u" * 257, {"event": "e"}, "invalid_field"),
    ],
)
async def test_what_is_wrong_is_refused(user: str, body: dict[str, object], code: str) -> None:
    with pytest.raises(RiverError) as refused:
        await publish_to_user(api_of(RULES), call(user, **body))
    assert refused.value.error.code == code


async def test_clients_may_not_and_without_the_setting_nobody_may() -> None:
    claims = Claims("ann", grants=Grants(None, ("*",)))
    with pytest.raises(RiverError, match="clients publish in channels"):
        await publish_to_user(api_of(RULES), call("ann", claims, event="e"))
    with pytest.raises(RiverError) as refused:
        await publish_to_user(api_of(NO_USERS), call("ann", event="e"))
    assert refused.value.error.code == "user_channels_off"


def test_the_route_takes_a_key_and_names_the_user_in_path_or_query(api: Served) -> None:
    for path in ("/users/ann/publish", "/users/-/publish?user=a%2Fb"):
        assert api.ask("POST", path, b'{"event": "e"}').json["error"]["code"] == "user_channels_off"
    assert api.ask("POST", "/users/ann/publish", b'{"event": "e"}', key=None).status == 401
