"""Logs are events with fields; never tokens, keys or payloads."""

import logging
import sys
from typing import Literal, TextIO, cast

import structlog
from structlog.processors import ExceptionRenderer
from structlog.stdlib import ProcessorFormatter
from structlog.tracebacks import ExceptionDictTransformer

from riverd.service.log_stream import LogStream

Level = Literal["debug", "info", "warning", "error"]


def configure(level: Level, *, console: bool) -> LogStream:
    """Write this process's events to standard error, for people or one JSON object a line.

    From then on nothing that is written to standard error raises.
    """
    stream = LogStream()
    sys.stderr = cast("TextIO", stream)
    named: list[structlog.types.Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    rendered = _for_people(colors=stream.isatty()) if console else _for_machines()
    structlog.configure(
        processors=[*named, *rendered],
        wrapper_class=structlog.make_filtering_bound_logger(_number(level)),
        # One write a line: workers share their standard error, and lines must not mix.
        logger_factory=structlog.WriteLoggerFactory(cast("TextIO", stream)),
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        ProcessorFormatter(
            foreign_pre_chain=named,
            processors=[ProcessorFormatter.remove_processors_meta, *rendered],
        )
    )
    # Libraries log only when something is wrong, and in the same form.
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    return stream


def lines_dropped() -> int:
    """How many texts could not be written to standard error so far."""
    return sys.stderr.dropped if isinstance(sys.stderr, LogStream) else 0


# A traceback never shows the values of variables: among them are tokens, keys and payloads.


def _for_people(*, colors: bool) -> list[structlog.types.Processor]:
    return [
        structlog.dev.ConsoleRenderer(
            colors=colors, exception_formatter=structlog.dev.plain_traceback
        )
    ]


def _for_machines() -> list[structlog.types.Processor]:
    return [
        ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
        structlog.processors.JSONRenderer(),
    ]


def _number(level: Level) -> int:
    return logging.getLevelNamesMapping()[level.upper()]
