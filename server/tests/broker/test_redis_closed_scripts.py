"""Scripts that come to data that was flushed, or opened again since, write nothing."""

import pytest
from redis.exceptions import ResponseError
from redis_server import RedisServer

from riverd.broker.redis import keys
from riverd.broker.redis.scripts import DataHistory, Scripts
from riverd.channels.names import CONTROL

OF_BEFORE = Scripts(DataHistory("a" * 40, "b" * 40, term="3.cd"))


def test_what_is_given_back_to_closed_data_is_missing_there_still(own_server: RedisServer) -> None:
    # Otherwise the next attempt would find nothing missing, and order nobody to read it.
    names = (*keys.log_keys(CONTROL), keys.seen(CONTROL, "1"), *keys.standings("blocked"))
    appended = ("e", "{}", 10, 1_000, "feed", "PUBLISH", 60)
    with own_server.client() as client:
        with pytest.raises(ResponseError, match="CLOSED"):
            client.eval(
                OF_BEFORE.texts["give_back"],
                len(names),
                *names,
                *appended,
                *("ann", "1.0", "inf", "{}"),
            )
        assert client.dbsize() == 0
