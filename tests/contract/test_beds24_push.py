"""The Beds24 connector writes: what goes out on the wire, how verdicts are read, and what a lost answer is told as."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import aiohttp
import httpx
import pytest

from connectors.beds24 import pushing, wire
from connectors.kit.conformance.bench import MemoryTokens
from connectors.kit.http import open_client
from mappers.beds24 import MAPPER
from pms_sync.domain.errors import Disposition, VendorFault
from pms_sync.domain.reservation import Guest, Revision, Stay
from pms_sync.domain.status import Status
from pms_sync.ports.connector import Receipt, Refusal, VendorRequest
from pms_sync.ports.mapper import Change, MappingContext
from tests.contract.beds24_wire import TAKEN, Answer, Vendor, connector, create_of, created, modify_of
from tests.contract.vendor_spec import VendorSpec, check_request, spec_file, unexplained

SPEC_FILE = spec_file("beds24-v2.yaml")
CONTEXT = MappingContext(property_code="P1", zone="Europe/Madrid", currency="EUR")


def state(**stay: Any) -> Revision:
    """Build our state of one stay."""
    fields: dict[str, Any] = {
        "ref": "1001",
        "room_type_ref": "55",
        "room_ref": "55/1",
        "arrival": date(2026, 5, 4),
        "departure": date(2026, 5, 6),
        "status": Status.CONFIRMED,
        "adults": 2,
        "children": 0,
        "total": Decimal("240.50"),
    }
    room = Stay(**(fields | stay))
    return MAPPER.project(
        Revision(
            vendor="beds24",
            ref="",
            property_ref="7",
            version="",
            scope="reservation",
            status=room.status,
            currency="EUR",
            total=room.total,
            booker=Guest(first_name="Ada", last_name="Lovelace", email="a@example.test", phone="1", country="GB"),
            room_stays=(room,),
            notes="n",
            comments="c",
        ),
        CONTEXT,
    )


CHANGES = {
    "create": Change(kind="create", wanted=(state(),), token="T"),
    "create of a group": Change(kind="create", wanted=(state(), state(room_ref="55/2")), token="T"),
    "create of a no-show": Change(kind="create", wanted=(state(status=Status.NO_SHOW),), token="T"),
    "cancel": Change(kind="cancel", wanted=(), refs=("1001", "1002"), token="T"),
    "modify": Change(
        kind="modify",
        wanted=(state(room_type_ref="66", room_ref="66/2", departure=date(2026, 5, 9), total=Decimal(0), adults=1),),
        known=state(),
        paths=frozenset({f"stays[1001].{kind}" for kind in ("shape", "room", "status", "occupancy")}),
        refs=("1001",),
        token="T",
    ),
    "modify to no-show": Change(
        kind="modify",
        wanted=(state(status=Status.NO_SHOW),),
        known=state(),
        paths=frozenset({"stays[1001].status"}),
        refs=("1001",),
        token="T",
    ),
}


@pytest.mark.skipif(not SPEC_FILE.exists(), reason=f"no API file of the vendor at {SPEC_FILE}")
@pytest.mark.parametrize("change", CHANGES)
async def test_what_goes_out_fits_the_vendors_own_api_file(change: str) -> None:
    """From our state to the wire; known deviations of the file are listed with their source."""
    requests = MAPPER.to_requests(CHANGES[change], CONTEXT)
    vendor = Vendor(created(TAKEN * len(requests)))
    await connector(vendor).push(requests)
    (body,) = vendor.writes
    assert len(body) == len(requests)
    assert unexplained(check_request(VendorSpec(SPEC_FILE), "POST", "/bookings", (), body), "beds24") == []


async def test_many_changes_are_one_call_in_their_order() -> None:
    """Credits are few; the receipts follow the requests."""
    vendor = Vendor(created([{"success": True, "modified": {"notes": "x"}}] * 3))
    receipts = await connector(vendor).push([modify_of(ref, notes=ref) for ref in ("3", "1", "2")])
    assert [[item["id"] for item in body] for body in vendor.writes] == [[3, 1, 2]]
    assert [receipt.refs for receipt in receipts] == [("3",), ("1",), ("2",)]


async def test_nothing_to_write_is_no_call() -> None:
    vendor = Vendor(created())
    assert await connector(vendor).push([]) == []
    assert vendor.writes == []


async def test_two_groups_are_never_made_in_one_call() -> None:
    """`makeGroup` puts all bookings of a call that have it into one group (vendors/beds24.md 7)."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json={"token": "t"})
        made.append([item["roomId"] for item in json.loads(request.content)])
        return created([{"success": True, "new": {"id": room}} for room in made[-1]])

    made: list[list[int]] = []
    requests = [
        create_of("P", roomId=1),
        create_of("A.1", grouped=True, roomId=2),
        create_of("A.2", grouped=True, roomId=3),
        create_of("B.1", grouped=True, roomId=4),
        create_of("B.2", grouped=True, roomId=5),
        modify_of("6", roomId=6),
    ]
    receipts = await connector(httpx.MockTransport(answer)).push(requests)
    assert made == [[1], [2, 3], [4, 5], [6]]
    assert [receipt.refs[0] for receipt in receipts] == ["1", "2", "3", "4", "5", "6"]


async def test_a_long_push_is_cut_so_that_no_call_is_too_large() -> None:
    """vendors/beds24.md 4.2: about one megabyte."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json={"token": "t"})
        items = json.loads(request.content)
        sizes.append(len(items))
        return created([{"success": True, "modified": {"notes": "x"}}] * len(items))

    sizes: list[int] = []
    receipts = await connector(httpx.MockTransport(answer)).push([modify_of(str(n + 1), notes="x") for n in range(250)])
    assert sizes == [100, 100, 50]
    assert [receipt.refs[0] for receipt in receipts] == [str(n + 1) for n in range(250)]


REFUSED = Refusal(path="arrival", why="invalid")
COMPLAINT = {"action": "new booking", "field": "arrival", "message": "invalid"}
VERDICTS: dict[str, tuple[VendorRequest, dict[str, Any], Receipt]] = {
    "made": (
        create_of(),
        {"success": True, "new": {"id": 5001}, "info": [{"action": "new booking", "id": 5001, "message": "added"}]},
        Receipt(refs=("5001",)),
    ),
    "made, named by the news alone": (
        create_of(),
        {"success": True, "info": [{"action": "new booking", "id": 5001, "message": "added new booking"}]},
        Receipt(refs=("5001",)),
    ),
    "made, and not named": (create_of(), {"success": True}, Receipt(warnings=(pushing.NO_NAME,))),
    "changed": (modify_of(notes="x"), {"success": True, "modified": {"notes": "x"}}, Receipt(refs=("1001",))),
    "nothing applied": (
        modify_of(notes="x"),
        {"success": True},
        Receipt(refs=("1001",), warnings=(pushing.NO_CHANGE,)),
    ),
    "value clamped": (
        modify_of(numAdult=99),
        {"success": True, "modified": {"numAdult": 4}, "warnings": [{"field": "numAdult", "message": "too  many\n"}]},
        Receipt(refs=("1001",), warnings=("numAdult: too many",)),
    ),
    "refused": (create_of(), {"success": False, "errors": [COMPLAINT]}, Receipt(refusals=(REFUSED,))),
    "refused change": (modify_of(), {"success": False, "errors": [COMPLAINT]}, Receipt(refusals=(REFUSED,))),
    "refused with warnings only": (
        create_of(),
        {"success": False, "warnings": [COMPLAINT]},
        Receipt(refusals=(REFUSED,)),
    ),
    "refused without a word": (
        create_of(),
        {"success": False},
        Receipt(refusals=(Refusal(path="", why=pushing.NO_REASON),)),
    ),
    "refused, and the action is all that is named": (
        create_of(),
        {"success": False, "errors": [{"action": "new booking", "message": "no availability"}]},
        Receipt(refusals=(Refusal(path="new booking", why="no availability"),)),
    ),
    "errors in a success": (
        modify_of(),
        {"success": True, "modified": {"notes": "x"}, "errors": [COMPLAINT]},
        Receipt(refusals=(REFUSED,)),
    ),
    "partly applied": (
        create_of(),
        {"success": False, "new": {"id": 5001}, "errors": [{"field": "infoItems", "message": "invalid"}]},
        Receipt(refs=("5001",), refusals=(Refusal(path="infoItems", why="invalid"),)),
    ),
    "empty lists where PHP has no object": (
        modify_of(),
        {"success": True, "modified": [], "errors": [], "warnings": []},
        Receipt(refs=("1001",), warnings=(pushing.NO_CHANGE,)),
    ),
}


@pytest.mark.parametrize("verdict", VERDICTS)
async def test_the_verdict_is_read_from_the_item_and_not_from_the_status(verdict: str) -> None:
    """OUT-06, OUT-08 and vendors/beds24.md 4.2: HTTP says 201 to all of these."""
    request, told, receipt = VERDICTS[verdict]
    assert await connector(Vendor(created([told]))).push([request]) == [receipt]
    assert receipt.accepted is not bool(receipt.refusals)


@pytest.mark.parametrize(
    ("answer", "sent", "disposition"),
    [
        (httpx.ReadTimeout("late"), True, Disposition.RETRY),
        (httpx.RemoteProtocolError("closed"), True, Disposition.RETRY),
        (httpx.ConnectError("refused"), False, Disposition.RETRY),
        (httpx.ConnectTimeout("late"), False, Disposition.RETRY),
        (httpx.Response(500, text="oops"), True, Disposition.RETRY),
        (httpx.Response(200, html="<html>"), True, Disposition.RETRY),
        (httpx.Response(201, content=b'[{"success":tr'), True, Disposition.RETRY),
        (httpx.Response(201, json=[]), True, Disposition.ABORT),
        (httpx.Response(201, json=TAKEN * 2), True, Disposition.ABORT),
        (httpx.Response(201, json=[{"ok": True}]), True, Disposition.ABORT),
        (httpx.Response(302, headers={"Location": "https://elsewhere.example/"}), True, Disposition.PAUSE),
        (httpx.Response(400, json={"success": False, "error": "must be an array"}), False, Disposition.ABORT),
        (httpx.Response(422, json={"error": "no"}), False, Disposition.ABORT),
        (httpx.Response(408, text=""), True, Disposition.RETRY),
        (httpx.Response(403, json={}), False, Disposition.PAUSE),
        (httpx.Response(429, json={}), False, Disposition.RETRY),
        (httpx.Response(200, json={"success": False, "code": 429, "error": "limit"}), False, Disposition.RETRY),
        (httpx.Response(200, json={"success": False, "code": 1, "error": "odd"}), True, Disposition.ABORT),
    ],
    ids=str,
)
async def test_a_failure_says_whether_the_write_may_have_taken_effect(
    answer: Answer, sent: bool, disposition: Disposition
) -> None:
    """OUT-06: and it is never sent a second time."""
    vendor = Vendor(answer)
    with pytest.raises(VendorFault) as caught:
        await connector(vendor).push([create_of()])
    assert (caught.value.sent, caught.value.disposition) == (sent, disposition)
    assert len(vendor.writes) == 1


async def test_an_expired_token_is_renewed_and_the_write_sent_again_since_it_was_turned_away() -> None:
    """A 401 is told before anything is done."""
    vendor = Vendor(httpx.Response(401, json={"success": False}), created())
    assert [receipt.refs for receipt in await connector(vendor).push([create_of()])] == [("5001",)]
    assert (vendor.minted, len(vendor.writes)) == (2, 2)


async def test_a_lasting_401_is_not_sent_and_says_what_the_token_may() -> None:
    vendor = Vendor(httpx.Response(401, json={"success": False}))
    with pytest.raises(VendorFault, match="has the scopes: read:bookings") as caught:
        await connector(vendor).push([create_of()])
    assert (caught.value.sent, caught.value.disposition) == (False, Disposition.PAUSE)


async def test_a_write_whose_token_could_not_be_had_was_not_sent() -> None:
    """The log-in was sent and failed; the write never left."""

    def down(_: httpx.Request) -> httpx.Response:
        return httpx.Response(502, html="<html>")

    with pytest.raises(VendorFault) as caught:
        await connector(httpx.MockTransport(down)).push([create_of()])
    assert not caught.value.sent


async def test_when_a_later_call_is_turned_away_the_earlier_ones_may_have_taken_effect() -> None:
    """Else a group that was made would be made again."""
    vendor = Vendor(created(), httpx.Response(429, json={}))
    with pytest.raises(VendorFault) as caught:
        await connector(vendor).push([create_of("P"), create_of("A.1", grouped=True)])
    assert caught.value.sent


@pytest.mark.parametrize(
    ("cause", "sent"),
    [
        (aiohttp.ServerDisconnectedError(), True),
        (aiohttp.ClientOSError(104, "reset"), True),
        (aiohttp.SocketTimeoutError("late"), True),
        (aiohttp.ConnectionTimeoutError("late"), False),
        (aiohttp.ClientConnectorDNSError(None, OSError("no such name")), False),  # type: ignore[arg-type]
    ],
    ids=lambda value: type(value).__name__,
)
async def test_the_transports_own_name_for_a_broken_connection_does_not_mislead(cause: Exception, sent: bool) -> None:
    """It calls a connection that broke after the request a connect time-out."""

    def broken(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json={"token": "t"})
        raise httpx.ConnectTimeout("") from cause

    with pytest.raises(VendorFault) as caught:
        await connector(httpx.MockTransport(broken)).push([create_of()])
    assert caught.value.sent is sent


async def test_a_port_where_nobody_listens_was_not_sent_to() -> None:
    """The real transport, with nobody there."""
    client = open_client("http://127.0.0.1:9", ca_file=None, allow_private=True)
    tokens = MemoryTokens()
    later = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    await tokens.save({"access_token": "t", "expires_at": later})
    one = connector(Vendor(), client=client, base_url="http://127.0.0.1:9", tokens=tokens)
    with pytest.raises(VendorFault) as caught:
        await one.push([create_of()])
    await client.aclose()
    assert not caught.value.sent
    assert caught.value.counts_against_breaker


def test_the_spec_declares_what_can_be_done() -> None:
    """A capability that is absent is refused loudly; no read lag is documented."""
    assert "push" in wire.SPEC.capabilities
    assert not wire.SPEC.read_lag
