"""Structured logs on stderr: one line per event, ids instead of people, never in the way of the daemon."""

from __future__ import annotations

import json
import logging
import sys
import uuid
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import IO, Any, cast

import structlog

from pms_sync.domain.errors import ConfigurationFault
from pms_sync.observe.log_sink import LineSink
from pms_sync.observe.log_values import plain_value, plain_values

Event = MutableMapping[str, Any]
FORMATS = ("json", "console")

# Libraries that tell every tick or write whole URLs (with tokens in them) at INFO, or warn at every turn and every
# attempt of what our own loops say once when it goes and once when it returns.
_QUIET = {
    "aiohttp.access": logging.WARNING,
    "alembic": logging.WARNING,
    "apscheduler": logging.ERROR,
    "asyncio": logging.WARNING,
    "asyncpg": logging.ERROR,
    "httpcore": logging.WARNING,
    "httpx": logging.WARNING,
    "sqlalchemy": logging.WARNING,
}
_FIRST = ("ts", "level", "event", "logger", "correlation_id")

_active: LineSink | None = None


def configure_logging(log_format: str = "json", *, level: str = "INFO", stream: IO[str] | None = None) -> LineSink:
    """Send structlog and the standard library through one pipeline; may be called again to change the format.

    `log_format` is `json` or `console`; anything else, or an unknown level, raises ConfigurationFault. Lines go to
    `stream` (stderr). Returns the sink, whose `flush` tests wait on.
    """
    global _active  # the standard library's logging is one per program as well
    number = logging.getLevelNamesMapping().get(level.upper())
    if log_format not in FORMATS:
        what = f"{plain_value(log_format)!r} is not a log format"
        raise ConfigurationFault(what, "PMS_SYNC_LOG_FORMAT", f"use {' or '.join(FORMATS)}")
    if number is None:
        raise ConfigurationFault(f"{plain_value(level)!r} is not a log level", "", "use DEBUG, INFO, WARNING or ERROR")
    render = _as_json if log_format == "json" else _as_console
    previous, _active = _active, LineSink(stream if stream is not None else sys.stderr)
    _route_structlog(_active, render, number)
    _route_standard_library(_active, render, number)
    if previous is not None:
        previous.close()
    return _active


def flush_logs(timeout_s: float = 1.0) -> None:
    """Wait until what was logged so far is written, or the time is over (a reader that reads no more)."""
    if _active is not None:
        _active.flush(timeout_s)


def get_logger(name: str) -> structlog.typing.FilteringBoundLogger:
    """Return a logger; its lines carry `name` as `logger` and whatever the context binds."""
    return cast("structlog.typing.FilteringBoundLogger", structlog.get_logger(logger_name=name))


def new_correlation_id() -> str:
    """Return a fresh id for one piece of work, from its webhook to its rows."""
    return uuid.uuid4().hex


@contextmanager
def bound_correlation(correlation_id: str, **ids: str) -> Iterator[None]:
    """Put the correlation id, and other ids, on every line logged inside, in this task and those it starts."""
    with structlog.contextvars.bound_contextvars(correlation_id=correlation_id, **ids):
        yield


class _Logger:
    """What structlog hands finished lines to."""

    def __init__(self, sink: LineSink) -> None:
        self._sink = sink

    def msg(self, line: str) -> None:
        """Pass one line on."""
        self._sink.write(line + "\n")

    debug = info = warning = warn = error = critical = fatal = exception = log = msg


def _route_structlog(sink: LineSink, render: Any, level: int) -> None:  # noqa: ANN401  a renderer of either format
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, structlog.processors.add_log_level, _finish, render],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: _Logger(sink),
        cache_logger_on_first_use=False,
    )


def _finish(_logger: Any, _method: str, event: Event) -> Event:  # noqa: ANN401  structlog's processor signature
    """Turn whatever was logged into plain, safe values in a fixed order."""
    if "logger_name" in event:
        event["logger"] = event.pop("logger_name")
    error = event.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()[1]
    elif isinstance(error, tuple):
        error = error[1] if len(error) > 1 else None
    if isinstance(error, BaseException):
        event["exception"] = error
    event["ts"] = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return plain_values({key: event[key] for key in _FIRST if key in event} | dict(event))


def _as_json(_logger: Any, _method: str, event: Event) -> str:  # noqa: ANN401  structlog's processor signature
    return json.dumps(event, separators=(",", ":"))


def _as_console(_logger: Any, _method: str, event: Event) -> str:  # noqa: ANN401  structlog's processor signature
    """Write for eyes, still one line of plain ASCII: JSON's escapes keep newlines and colour codes harmless."""
    rest = dict(event)
    head = (_bare(rest.pop("ts", "")), f"{_bare(rest.pop('level', '')):<8}", _bare(rest.pop("event", "")))
    return " ".join([*head, *(f"{_bare(key)}={json.dumps(value)}" for key, value in rest.items())])


def _bare(value: object) -> str:
    return json.dumps(value)[1:-1] if isinstance(value, str) else json.dumps(value)


class _Formatter(logging.Formatter):
    """Gives a standard library record the shape of our events."""

    def __init__(self, render: Any) -> None:  # noqa: ANN401  a renderer of either format
        super().__init__()
        self._render = render

    def format(self, record: logging.LogRecord) -> str:
        """Return one line, with the ids bound in the context."""
        event: Event = {
            "event": record.getMessage(), "level": record.levelname.lower(), "logger": record.name,
            **structlog.contextvars.get_contextvars(),
        }  # fmt: skip
        if record.exc_info:
            event["exc_info"] = record.exc_info
        return str(self._render(None, "", _finish(None, "", event)))


class _Handler(logging.StreamHandler[LineSink]):
    """The standard library's own emit, with a quiet word instead of a traceback when a record cannot be written."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  the library's name
        """Say which logger wrote something unreadable, and where, without its content."""
        line = {"event": "log_record_unreadable", "level": "warning", "logger": record.name, "line": record.lineno}
        self.stream.write(json.dumps(plain_values(line)) + "\n")


def _route_standard_library(sink: LineSink, render: Any, level: int) -> None:  # noqa: ANN401  a renderer of either format
    handler = _Handler(sink)
    handler.setFormatter(_Formatter(render))
    root = logging.getLogger()
    root.handlers[:] = [kept for kept in root.handlers if not isinstance(kept, logging.StreamHandler)] + [handler]
    root.setLevel(level)
    for name, quiet in _QUIET.items():
        logging.getLogger(name).setLevel(max(quiet, level))
    logging.captureWarnings(capture=True)
