"""One line per event, ids instead of people, and never in anybody's way."""

from __future__ import annotations

import io
import json
import logging
import os
import threading
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
import structlog

from pms_sync.domain.errors import ConfigurationFault
from pms_sync.observe.log_sink import LineSink
from pms_sync.observe.logs import bound_correlation, configure_logging, get_logger, new_correlation_id

PERSON = {
    "email": "ana@example.org", "phone": "+34600123456", "first_name": "Ana", "last_name": "Prado", "name": "Ana Prado",
    "token": "tok-1", "secret": "sec-1", "password": "pw-1", "authorization": "Bearer abc", "refresh_token": "ref-1",
    "card_number": "4111111111111111", "guestEmail": "b@example.org", "X-PMS-Sync-Secret": "sec-2", "notes": "allergic",
}  # fmt: skip


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


class Page:
    """Logging into memory."""

    def __init__(self, log_format: str = "json", level: str = "DEBUG") -> None:
        self.stream = io.StringIO()
        self.sink = configure_logging(log_format, level=level, stream=self.stream)

    def text(self) -> str:
        self.sink.flush(5)
        return self.stream.getvalue()

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text().splitlines()]


def test_a_line_says_when_what_where_and_for_which_work() -> None:
    """OPS-05."""
    page = Page()
    with bound_correlation("c1", account_id="a1"):
        get_logger("ingest").info("delivery_stored", size=3)
    get_logger("ingest").info("outside")
    inside, outside = page.lines()
    assert list(inside)[:5] == ["ts", "level", "event", "logger", "correlation_id"]
    assert inside["ts"].endswith("Z")
    assert (inside["correlation_id"], inside["account_id"], inside["size"]) == ("c1", "a1", 3)
    assert "correlation_id" not in outside
    assert new_correlation_id() != new_correlation_id()


@pytest.mark.parametrize("log_format", ["json", "console"])
@pytest.mark.parametrize(
    "evil", ["a\nb", "a\r\nFAKE", "\x1b[31mred", "\x9b31m", 'x","level":"critical', "\u2028", "\x00", "\x85"]
)
def test_a_forged_line_stays_inside_one_line(log_format: str, evil: str) -> None:
    """SEC-25."""
    page = Page(log_format)
    get_logger("x").info(evil, field=evil, **{evil: 1})
    logging.getLogger("aiohttp.server").warning("got %s", evil)
    text = page.text()
    assert len(text.splitlines()) == 2
    assert all(" " <= char <= "~" or char == "\n" for char in text)
    if log_format == "json":
        assert {line["level"] for line in page.lines()} == {"info", "warning"}


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_people_and_secrets_are_taken_out_wherever_they_stand(log_format: str) -> None:
    """PRV-04, SEC: by name at any depth, and by shape in any text."""
    page = Page(log_format)
    log = get_logger("x")
    log.debug("seen", **PERSON)
    log.debug("seen", nested={"deep": [PERSON]})
    log.debug("call ana@example.org or +34 600 123 456, card 4111 1111 1111 1111 cvv 987")
    logging.getLogger("aiohttp.access").warning(
        "POST /webhooks/v1/door-token?token=tok-1 Authorization: Bearer abc.def"
    )
    logging.getLogger("asyncpg").error("postgresql://pms:pw-1@db/x ana@example.org")
    text = page.text()
    for value in (*PERSON.values(), "door-token", "abc.def", "600 123", "4111 1111", "987", "pw-1"):
        assert value not in text


def test_ids_and_numbers_stay_readable() -> None:
    page = Page()
    account = UUID("b7f0c7a0-0000-4000-8000-000000000001")
    get_logger("x").info(
        "kept", account_id=account, ref="123456789", price=Decimal("12.50"), loop="router", ok=True, none=None
    )
    line = page.lines()[0]
    assert (line["account_id"], line["ref"], line["price"]) == (str(account), "123456789", "12.50")
    assert (line["loop"], line["ok"], line["none"]) == ("router", True, None)


def test_an_error_shows_its_way_but_not_the_values_it_met() -> None:
    page = Page()
    try:
        raise ValueError("duplicate key ana@example.org\nDETAIL: Key (email)=(x) exists")  # noqa: TRY301
    except ValueError:
        get_logger("x").exception("failed")
        logging.getLogger("alembic").exception("failed too")
    for line in page.lines():
        assert line["exception"]["type"] == "ValueError"
        assert line["exception"]["message"] == "duplicate key [email]"
        assert "test_logs.py" in line["exception"]["frames"][0]


def test_strange_values_never_stop_the_one_who_logs() -> None:
    class Evil:
        def __repr__(self) -> str:
            raise RuntimeError

        __str__ = __repr__

    page = Page()
    deep: list[Any] = []
    for _ in range(5000):
        deep = [deep]
    loop: dict[str, Any] = {}
    loop["loop"] = loop
    get_logger("x").info(
        "odd", a=Evil(), b=deep, c=loop, d=10**9000, e=float("nan"), f=b"raw", g="\ud800", h={Evil(): Evil()}
    )
    logging.getLogger("x").info("%d", "no number")
    logging.getLogger("x").info("%s", Evil())
    lines = page.lines()
    assert (lines[0]["a"], lines[0]["d"], lines[0]["e"], lines[0]["f"]) == (
        "<test_strange_values_never_stop_the_one_who_logs.<locals>.Evil>", "<huge number>", "nan", "<3 bytes>",
    )  # fmt: skip
    assert [line["event"] for line in lines[1:]] == ["log_record_unreadable"] * 2


def test_a_closed_stream_is_no_reason_to_fail() -> None:
    page = Page()
    page.stream.close()
    get_logger("x").error("nobody reads this")
    page.sink.flush(5)


def test_a_full_pipe_blocks_nobody_and_what_was_lost_is_counted() -> None:
    reader, writer = os.pipe()
    sink = LineSink(os.fdopen(writer, "w"), limit=50)
    for _ in range(5000):
        sink.write("x" * 1000 + "\n")
    assert sink.dropped > 0
    seen = io.BytesIO()

    def drain() -> None:
        while b"log_lines_dropped" not in seen.getvalue()[-20_000:] and (chunk := os.read(reader, 65536)):
            seen.write(chunk)

    draining = threading.Thread(target=drain, daemon=True)
    draining.start()
    draining.join(10)
    assert b"log_lines_dropped" in seen.getvalue()
    sink.close()
    sink.close()
    os.close(reader)


def test_talkative_libraries_are_quiet_and_levels_hold() -> None:
    page = Page(level="INFO")
    logging.getLogger("apscheduler.executors.default").info("ran")
    logging.getLogger("httpx").info("GET https://v/?token=x")
    get_logger("x").debug("hidden")
    assert page.text() == ""


def test_configuring_twice_writes_each_line_once() -> None:
    Page()
    page = Page()
    logging.getLogger("x").warning("once")
    assert len(page.lines()) == 1


@pytest.mark.parametrize(("log_format", "level"), [("yaml", "INFO"), ("json", "LOUD")])
def test_an_unknown_format_or_level_is_refused_with_a_remedy(log_format: str, level: str) -> None:
    with pytest.raises(ConfigurationFault, match="use "):
        configure_logging(log_format, level=level)
