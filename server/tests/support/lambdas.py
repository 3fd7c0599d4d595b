"""The function behind API Gateway in this process, and what the tests say to it."""

import itertools
import json
from typing import Any, cast

from api_gateway import body_of, event_for

from riverd.aws.lambda_api import ApiFunction
from riverd.aws.runtime import Host
from riverd.service.secret_settings import ALL

KEY = "the-key-of-the-tests"
JSON = {"content-type": "application/json", "x-api-key": KEY}
HANDLER = "riverd.aws.lambda_api.handler"

_names = itertools.count(1)


class Lambda:
    """A function in this process, its sandbox open to view."""

    def __init__(self) -> None:
        self.host = Host(*ALL)
        self.function = ApiFunction(self.host.run)

    def ask(self, method: str, target: str, body: object = None, **event: Any) -> tuple[int, Any]:
        """Status and JSON body of the answer."""
        data = b"" if body is None else json.dumps(body).encode()
        headers = {**JSON, **event.pop("headers", {})}
        return self.result(event_for(method, target, data, headers=headers, **event))

    def publish(self, channel: str, **event: Any) -> tuple[int, Any]:
        message = {"channel": channel, "event": "e", "data": [1, "ü"]}
        return self.ask("POST", "/publish", message, **event)

    def result(self, event: object) -> tuple[int, Any]:
        result = self.function(event, None)
        # As AWS does with it.
        assert json.loads(json.dumps(result)) == result
        return cast("int", result["statusCode"]), json.loads(body_of(result))

    def rested(self) -> None:
        """As if its last invocation were long ago."""
        assert self.host._sandbox is not None
        self.host._sandbox._rests_since = 0.0


def new_channel() -> str:
    return f"aws-{next(_names)}"
