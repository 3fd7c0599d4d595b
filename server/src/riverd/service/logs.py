"""Logs are events with fields; never tokens, keys or payloads."""

import logging
import sys
from typing import Literal

import structlog
from structlog.processors import ExceptionRenderer
from structlog.stdlib import ProcessorFormatter
from structlog.tracebacks import ExceptionDictTransformer

Level = Literal["debug", "info", "warning", "error"]


def configure(level: Level, *, console: bool) -> None:
    """Write this process's events to standard error, for people or one JSON object a line."""
    named: list[structlog.types.Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    rendered = _for_people() if console else _for_machines()
    structlog.configure(
        processors=[*named, *rendered],
        wrapper_class=structlog.make_filtering_bound_logger(_number(level)),
        # One write a line: workers share their standard error, and lines must not mix.
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        ProcessorFormatter(
            foreign_pre_chain=named,
            processors=[ProcessorFormatter.remove_processors_meta, *rendered],
        )
    )
    # Libraries speak only when something is wrong, and in the same form.
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


# A traceback never shows the values of variables: among them are tokens, keys and payloads.


def _for_people() -> list[structlog.types.Processor]:
    return [
        structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    ]


def _for_machines() -> list[structlog.types.Processor]:
    return [
        ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
        structlog.processors.JSONRenderer(),
    ]


def _number(level: Level) -> int:
    return logging.getLevelNamesMapping()[level.upper()]
