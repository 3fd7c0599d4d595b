"""Has a gateway drain whose ECS task was asked to stop: the target of an EventBridge rule.

ECS says so as soon as it takes the task out of its balancer, long before its SIGTERM.
"""

import asyncio
import re
import secrets
import time

import msgspec

from riverd.aws.runtime import Host, write
from riverd.broker import Broker
from riverd.errors import BrokerError, OutcomeUnknownError
from riverd.model.orders import Order, OrderKind
from riverd.service.secret_settings import BROKER_PASSWORD

KIND = "ECS Task State Change"
STOPPED = "STOPPED"
ATTEMPTS_MAX = 5
RETRY_S = 1.0

_GONE = frozenset({"DEPROVISIONING", "STOPPED"})
_ARN = re.compile(r"arn:[\w-]+:ecs:[\w-]+:\d{12}:task/[\w/-]{1,200}")


class _Detail(msgspec.Struct, rename="camel"):
    task_arn: str
    desired_status: str
    last_status: str


class _Event(msgspec.Struct, rename={"kind": "detail-type"}):
    kind: str
    source: str
    detail: _Detail


def handler(event: object, context: object) -> dict[str, str]:
    """The result for one event: the ARN that was asked to drain, or why nothing was done.

    Raises:
        BrokerError: when not every gateway could be reached; AWS then tries again.
        SettingsError: when the function is not set up.
    """
    del context
    task, reason = _task_that_stops(event)
    if task is None:
        write("info", "ignored", reason=reason)
        return {"ignored": reason}
    _host.run(lambda sandbox: _drain(sandbox.broker, task))
    write("info", "asked_to_drain", node=task)
    return {"asked": task}


def _task_that_stops(given: object) -> tuple[str | None, str]:
    """The ARN of a task that is asked to stop and is still there, or None and why not."""
    try:
        event = msgspec.convert(given, _Event)
    except msgspec.ValidationError as error:
        return None, f"not an event of a task: {error}"
    detail = event.detail
    if event.source != "aws.ecs" or event.kind != KIND:
        return None, "another kind of event"
    if detail.desired_status != STOPPED or detail.last_status in _GONE:
        return None, f"wanted {detail.desired_status}, is {detail.last_status}"[:200]
    if _ARN.fullmatch(detail.task_arn) is None:
        return None, "no ARN of a task"
    return detail.task_arn, ""


async def _drain(broker: Broker, task: str) -> None:
    order = Order(secrets.token_hex(8), OrderKind.DRAIN, time.time(), node=task)
    # AWS's own second attempt comes after a minute: too late for this.
    for attempt in range(1, ATTEMPTS_MAX + 1):
        try:
            await broker.control.order(order)
        except (BrokerError, OutcomeUnknownError) as error:
            if attempt == ATTEMPTS_MAX:
                raise
            write("warning", "not_told", error=error.message)
            await asyncio.sleep(RETRY_S)
        else:
            return


_host = Host(BROKER_PASSWORD)
