"""A load as flags of a command."""

from collections.abc import Callable
from typing import Any

import click

from riverd.commands.estimate.load import Load

Command = Callable[..., Any]

_LOAD_FLAGS = {
    "connections": "Open at the same time.",
    "messages_per_s": "Publications a second in each channel.",
    "subscribers_per_channel": "How many connections hear a channel.",
    "channels_per_connection": "How many channels a connection hears.",
    "message_bytes": "Size of a message's data.",
    "hours": "Hours of the month that the load is there.",
    "peak": "The busiest minute, as a multiple of the average.",
    "batch": "Publications in one request of a back end.",
    "sessions_a_day": "How often a connection is made anew each day.",
    "monthly_users": "Different users in a month (at least as many as connections).",
}


def flag_of(field: str) -> str:
    """The flag of a field."""
    return "--" + field.replace("_", "-")


def with_flag(message: str) -> str:
    """An error about a field, with its flag's name instead."""
    field, colon, rest = message.partition(":")
    named = field in (*_LOAD_FLAGS, "gateways", "connections_per_gateway")
    return f"{flag_of(field)}{colon}{rest}" if named else message


def load_flags(command: Command) -> Command:
    """Give a command a flag for each field of a load."""
    usual = Load()
    for field, text in reversed(_LOAD_FLAGS.items()):
        default: int | float = getattr(usual, field)
        option = click.option(
            flag_of(field), type=type(default), default=default, show_default=True, help=text
        )
        command = option(command)
    return command
