"""The publish API as an AWS Lambda function behind API Gateway's HTTP API (payload 2.0)."""

import os
from collections.abc import Awaitable, Callable
from typing import Protocol

from riverd.api.admission import respond
from riverd.api.context import Api
from riverd.aws.claims import claims_in
from riverd.aws.event import GatewayEvent, body_of, event_of, request_of, result_of
from riverd.aws.runtime import Host, failed
from riverd.errors import ErrorCode, RiverError
from riverd.http.json_errors import response_to
from riverd.http.response import Response
from riverd.service.secret_settings import OF_FUNCTIONS

DISTRIBUTIONS = ("riverd", "hiredis", "msgspec", "pyjwt")
"""What the function's package must hold. boto3 is in AWS's runtime, should it be needed."""

OIDC = "/oidc"
"""Below this path API Gateway's JWT authorizer stands, and no key is needed."""

_FAULT = RiverError(ErrorCode.INTERNAL, "our fault; it was logged")


class SandboxState(Protocol):
    """What is kept between invocations."""

    def api(self) -> Api:
        """The API, with the broker that is good now."""
        ...

    @property
    def may_renew(self) -> bool:
        """Whether there may be newer keys."""
        ...

    async def renew(self) -> None:
        """Read the keys again."""
        ...


Run = Callable[[Callable[[SandboxState], Awaitable[Response]]], Response]


class ApiFunction:
    """Answers events; whatever happens, with an answer. `run` runs one invocation."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def __call__(self, event: object, context: object) -> dict[str, object]:
        """The result for one event of API Gateway."""
        del context
        try:
            read = event_of(event)
            return result_of(self._run(lambda sandbox: _answer(sandbox, read)))
        except RiverError as error:
            return result_of(response_to(error))
        except Exception as error:  # noqa: BLE001  the caller learns no more than that
            failed(error)
            return result_of(response_to(_FAULT))


async def _answer(sandbox: SandboxState, event: GatewayEvent) -> Response:
    path, claims = event.path, None
    if path.startswith(f"{OIDC}/"):
        path, claims = path.removeprefix(OIDC), claims_in(event)
    request, body = request_of(event, path), body_of(event)
    api = sandbox.api()
    api.keys.missed = False
    response = await respond(api, request, body, claims=claims)
    if api.keys.missed and sandbox.may_renew:
        # It may be a key that was made just now.
        await sandbox.renew()
        response = await respond(sandbox.api(), request, body, claims=claims)
    return response


_host = Host(*OF_FUNCTIONS)
handler = ApiFunction(_host.run)
"""What AWS calls."""

if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    # A function's start has more of a processor than its invocations, and is not waited for twice.
    _host.prepare()
