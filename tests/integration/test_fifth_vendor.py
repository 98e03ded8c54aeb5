"""A fifth, made-up vendor takes a connector, a door, a mapper and two entry points, and nothing of the core."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.integration.command_line import HOTEL, Machine, ended, eventually

_AT_HOME = HOTEL.replace('"beds24"', '"innbox"').replace('property_ref = "7"', 'property_ref = "h7"')
HOTEL_OF_INNBOX = _AT_HOME.partition("crosswalk")[0] + 'crosswalk = { room_type = { "double" = "DBL" } }'
KEY = "made-up-key"
PLUGIN = Path(__file__).with_name("fifth_vendor") / "innbox.py"


class Innbox:
    """The vendor itself, on a free port: `bookings` are what it shows."""

    def __init__(self) -> None:
        self.bookings = [_booking(1, "Alba"), _booking(2, "Berg")]
        self.asked: list[dict[str, str]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.base_url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop it."""
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        innbox = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked = {name: found[0] for name, found in parse_qs(urlsplit(self.path).query).items()}
                innbox.asked.append(asked)
                ids = asked["ids"].split(",") if "ids" in asked else None
                shown = [one for one in innbox.bookings if ids is None or str(one["id"]) in ids]
                self.send_response(200 if self.headers["X-Key"] == KEY else 401)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(json.dumps(shown).encode())

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler


def _booking(number: int, guest: str, **more: str) -> dict[str, Any]:
    return {
        "id": number,
        "hotel": "h7",
        "kind": "double",
        "arrival": "2027-05-04",
        "departure": "2027-05-06",
        "state": "booked",
        "guest": guest,
        "price": "200.00",
        "changed": "2026-11-01T10:00:00Z",
        **more,
    }


@pytest.fixture
def innbox() -> Iterator[Innbox]:
    """Run the vendor."""
    vendor = Innbox()
    yield vendor
    vendor.close()


@pytest.fixture
def machine(tmp_path: Path, innbox: Innbox, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Give a machine with the plugin installed beside the product, as a distribution of its own."""
    site = tmp_path / "site"
    metadata = site / "innbox-1.0.dist-info"
    metadata.mkdir(parents=True)
    shutil.copy(PLUGIN, site)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: innbox\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        "[pms_sync.connectors]\ninnbox = innbox:CONNECTOR\n[pms_sync.mappers]\ninnbox = innbox:MAPPER\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(site))
    found = Machine(tmp_path, INNBOX_BASE_URL=innbox.base_url, ALLOW_PRIVATE_VENDORS="1", BIND="127.0.0.1:0")
    found.write_hotels(prado=HOTEL_OF_INNBOX)
    return found


def test_it_is_listed_and_its_records_are_understood(machine: Machine, innbox: Innbox) -> None:
    [listed] = [one for one in machine.json("connectors", "list")["items"] if one["vendor"] == "innbox"]
    assert (listed["label"], listed["mapper"], listed["simulator"]) == ("Innbox", True, False)
    page = machine.folder / "page.json"
    page.write_text(json.dumps([*innbox.bookings, _booking(3, "Cruz", state="dreamt")]))
    told = machine.run("map", "innbox", str(page), "--json")
    assert told.code == 1  # a finding
    assert [one["booker"]["last_name"] for one in told.document["revisions"]] == ["Alba", "Berg"]
    assert [(one["path"], one["value"]) for one in told.document["rejected"]] == [("$.state", "dreamt")]


def test_its_bookings_flow_in_by_backfill_and_by_webhook(machine: Machine, innbox: Innbox) -> None:
    added = machine.json("accounts", "add", "innbox", "--property", "P1", "--credential", f"key={KEY}")
    assert machine.json("accounts", "test", added["account_id"])["ok"]
    assert machine.json("backfill", "--account", added["account_id"])["records"] == 2
    assert _said(machine, "2", "booker.last_name") == "B•••"
    child = machine.start("run")
    try:
        assert child.stdout is not None
        bind = json.loads(child.stdout.readline())["bind"]
        innbox.bookings[1] = _booking(2, "Berger", state="gone", changed="2026-11-02T10:00:00Z")
        door = added["door"]
        answer = httpx.post(
            f"http://{bind}{urlsplit(door['url']).path}",
            content=b'{"hotel":"h7","changed":[2]}',
            headers={door["header"]: door["secret"], "Content-Type": "application/json"},
        )
        assert (answer.status_code, answer.json()) == (200, {"stored": True})
        eventually(lambda: _said(machine, "2", "status") == "cancelled", child, "the cancellation is here")
    finally:
        child.terminate()
        assert ended(child).code == 0
    assert machine.json("reconcile", "--account", added["account_id"])["proof"]["equal"]


def _said(machine: Machine, ref: str, path: str) -> Any:
    fields = {one["path"]: one["value"] for one in machine.json("explain", ref)["fields"]}
    return fields.get(path)
