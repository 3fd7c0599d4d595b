"""`river publish`: one event, or a file of them."""

import itertools
import json
import sys
import time
import uuid
from collections.abc import Iterator
from typing import IO

import click
import msgspec

from riverd.api.requests import BATCH_MAX
from riverd.api.responses import Result, Results
from riverd.channels.names import check_channel, check_event
from riverd.commands.api_client import ApiTarget, CallFailedError, call
from riverd.commands.targets import FindTarget, with_target
from riverd.commands.terminal_text import seen
from riverd.errors import RiverError

BATCH_BYTES_MAX = 4_194_304
ATTEMPTS = 4
PAUSE_S = 1.0
SHOWN_MAX = 20

Message = dict[str, msgspec.Raw]
_decode = msgspec.json.Decoder(Message).decode


@click.command(short_help="Publish one event, or a file of events.")
@click.argument("channel", required=False)
@click.argument("event", required=False)
@click.argument("data", metavar="JSON", required=False)
@click.option(
    "--batch",
    metavar="FILE",
    type=click.File("rb"),
    help="Publish what is in this file (- is the input): an object a line, or a JSON array.",
)
@with_target
def publish(
    *,
    target: FindTarget,
    channel: str | None,
    event: str | None,
    data: str | None,
    batch: IO[bytes] | None,
) -> None:
    """Publish one event, or with --batch a file of events.

    A line of the file is a message as POST /publish takes it: {"channel": "dogs", "event": "post",
    "data": 1}. What has no id is given one, so that it is published once however often it is sent.
    """
    if batch is not None and channel is None:
        sys.exit(publish_all(target(), messages_of(batch)))
    if batch is not None or channel is None or event is None or data is None:
        raise click.UsageError("give CHANNEL EVENT JSON, or --batch FILE")
    check(channel, event=event, data=data)
    click.echo(publish_one(target(), channel, event=event, data=data))


def check(channel: str, *, event: str, data: str) -> None:
    """Refuse here what the API would refuse for what it is.

    Raises:
        click.UsageError: it would.
    """
    try:
        check_channel(channel)
        check_event(event)
    except RiverError as error:
        raise click.UsageError(error.message) from None
    try:
        json.loads(data.encode())
    except (ValueError, RecursionError):
        raise click.UsageError(f"{data!r} is not JSON; a text is '\"in quotes\"'") from None


def publish_one(target: ApiTarget, channel: str, *, event: str, data: str) -> str:
    """The API's answer, a JSON text. `data` is JSON text.

    Raises:
        CallFailedError: it was not published.
    """
    head = json.dumps({"channel": channel, "event": event})
    body = f'{head[:-1]},"data":{data}}}'.encode()
    return str(call(target, "POST /publish", body=body), "utf-8")


def publish_all(target: ApiTarget, messages: Iterator[Message]) -> int:
    """Publish many in order, in batches. The exit code: 1 if some were refused.

    Raises:
        CallFailedError: a batch was not answered, whatever was tried; the message says how many
            were published before.
    """
    published = refused = 0
    for batch in batches(messages):
        try:
            results = _send(target, batch)
        except CallFailedError as error:
            done = f"{published} published, {refused} refused before"
            raise CallFailedError(f"{error} ({done})") from None
        for number, result in enumerate(results, published + refused + 1):
            if result.error is msgspec.UNSET:
                published += 1
                continue
            refused += 1
            if refused <= SHOWN_MAX:
                why = f"{result.error.code}, {result.error.message}"
                click.echo(f"message {number}: {seen(why)}", err=True)
    click.echo(f"{published} published" + (f", {refused} refused" if refused else ""))
    return 1 if refused else 0


def batches(messages: Iterator[Message]) -> Iterator[list[bytes]]:
    """Encoded messages, as many as one request may have."""
    run, batch, size = uuid.uuid4().hex, list[bytes](), 0
    for number, message in enumerate(messages, 1):
        encoded = msgspec.json.encode({"id": f"{run}-{number}", **message})
        if batch and (len(batch) == BATCH_MAX or size + len(encoded) > BATCH_BYTES_MAX):
            yield batch
            batch, size = [], 0
        batch.append(encoded)
        size += len(encoded)
    if batch:
        yield batch


def messages_of(file: IO[bytes]) -> Iterator[Message]:
    """The messages in a file: an object a line, or one array.

    Raises:
        click.UsageError: it is neither; what was yielded before has been published.
    """
    begin = b""
    while not begin.strip():
        begin = file.readline()
        if not begin:
            return
    if begin.lstrip().startswith(b"["):
        try:
            yield from msgspec.json.decode(begin + file.read(), type=list[Message])
        except msgspec.DecodeError as error:
            raise click.UsageError(f"the array is not one of messages: {error}") from None
        return
    for number, line in enumerate(itertools.chain((begin,), file), 1):
        if line.strip():
            try:
                yield _decode(line)
            except msgspec.DecodeError as error:
                raise click.UsageError(f"line {number} is no message: {error}") from None


def _send(target: ApiTarget, batch: list[bytes]) -> list[Result]:
    """What became of each; the same again where the answer was lost, as each has an id."""
    body = b'{"messages":[%b]}' % b",".join(batch)
    for attempt in itertools.count(1):
        try:
            answer = call(target, "POST /publish/batch", body=body)
            return msgspec.json.decode(answer, type=Results).results
        except CallFailedError as error:
            if not error.is_passing or attempt == ATTEMPTS:
                raise
            time.sleep(PAUSE_S * attempt)
        except msgspec.DecodeError as error:
            raise CallFailedError(f"the answer is not a publish API's: {error}") from None
    raise AssertionError("the last attempt returns or raises")
