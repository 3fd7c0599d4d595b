"""Publications of clients."""

import asyncio
from collections.abc import Callable

from riverd.broker import Broker
from riverd.core.session import Session
from riverd.errors import OutcomeUnknownError, RiverError
from riverd.model.commands import PublishCommand
from riverd.model.log import Member, Message, Receipt
from riverd.model.replies import Published

PUBLISH_S_MAX = 0.8
"""How long the broker may take with a client's publication (contract: within 1 s)."""


async def publish(
    broker: Broker,
    session: Session,
    *,
    command: PublishCommand,
    by: Member | None,
    published: Callable[[Session, Receipt], None],
) -> None:
    """Publish for a client, and answer it. `by` is who it is in the channel.

    `published` is called when the broker has it.
    """
    user = None if by is None else by.user
    message = Message(
        command.channel,
        command.event,
        command.data,
        user=user,
        keep=command.keep,
        exclude=command.exclude if session.protocol.echoes else session.id,
    )
    try:
        async with asyncio.timeout(PUBLISH_S_MAX):
            receipt = await broker.webhooks.publish(message, session.id)
    except TimeoutError:
        session.fail(command.id, OutcomeUnknownError("the broker did not answer in time"))
    except RiverError as error:
        session.fail(command.id, error)
    else:
        published(session, receipt)
        session.reply(Published(command.id, receipt))
