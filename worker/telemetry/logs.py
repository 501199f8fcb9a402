"""The log of the processes that run until they are told to end: lines for people or for programs.

What writes is the standard library's logging, ours and that of the libraries alike; structlog makes
the lines.  An event is a constant, its facts are keywords: ``log.info("run opened",
extra=facts(run=7))``.  Commands have no log: they talk.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, MutableMapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from enum import StrEnum
from typing import IO, TYPE_CHECKING, Any, Final

from collectors.quote import escaped
from worker.telemetry.redaction import redacted_value

if TYPE_CHECKING:
    from structlog.typing import Processor

#: Of one value; a traceback has many lines, each of which may be so long.
_LONGEST: Final = 2000
_OURS: Final = ("worker", "collectors")
_NOBODY: Final = logging.NullHandler()


class LogFormat(StrEnum):
    """``console`` is for people, ``json`` is one object a line."""

    CONSOLE = "console"
    JSON = "json"


class LogLevel(StrEnum):
    """The least that is written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def bound(**known: object) -> AbstractContextManager[None]:
    """Within this every line of this thread has these facts, and afterwards none has."""
    from structlog.contextvars import bound_contextvars

    return bound_contextvars(**known)


def no_lines() -> None:
    """For commands: what is worth telling they say themselves."""
    logging.getLogger().addHandler(_NOBODY)


@contextmanager
def lines(stream: IO[str], form: LogFormat, level: LogLevel, **process: object) -> Iterator[None]:
    """Write lines to the stream. ``process`` are facts of all of them.

    Libraries may only log warnings, because their other lines may hold the proofs of passwords.
    """
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_formatter(form, process, colours=stream.isatty()))
    root = logging.getLogger()
    with ExitStack() as stack:
        stack.callback(handler.close)
        stack.callback(root.removeHandler, handler)
        root.addHandler(handler)
        _set_level(stack, root, logging.WARNING)
        for name in _OURS:
            _set_level(
                stack, logging.getLogger(name), logging.getLevelNamesMapping()[level.upper()]
            )
        yield


def _set_level(stack: ExitStack, logger: logging.Logger, level: int) -> None:
    stack.callback(logger.setLevel, logger.level)
    logger.setLevel(level)


def _formatter(form: LogFormat, process: dict[str, object], *, colours: bool) -> logging.Formatter:
    import structlog

    plain = structlog.dev.plain_traceback
    renderer: Processor = structlog.processors.JSONRenderer()
    if form is LogFormat.CONSOLE:
        renderer = structlog.dev.ConsoleRenderer(colors=colours, exception_formatter=plain)
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.contextvars.merge_contextvars],
        processors=[
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            _FactProcessor(process),
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,  # without local variables
            _safe,
            renderer,
        ],
    )


class _FactProcessor:
    """Adds those of the process and those of the event."""

    def __init__(self, process: dict[str, object]) -> None:
        self._process = process

    def __call__(
        self, _: object, __: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        own_facts: dict[str, object] = getattr(event["_record"], "facts", {})
        return {**self._process, **event, **own_facts}


def _safe(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Without secrets, and fit for a terminal: names from the network are hostile."""
    return {name: _fit(name, redacted_value(name, value)) for name, value in event.items()}


def _fit(name: str, value: object) -> object:
    match value:
        case str() if name == "exception":  # set in, so that none of its lines passes for another
            return "\n".join(f"    {escaped(line, _LONGEST)}" for line in value.split("\n"))
        case str():
            return escaped(value, _LONGEST)
        case dict():
            return {escaped(k, _LONGEST): _fit(k, v) for k, v in value.items()}
        case list():
            return [_fit(name, v) for v in value]
        case _:
            return value
