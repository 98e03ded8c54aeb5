"""The OpenAPI document and the page: made of the one table that registers the routes, valid, and complete."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import uuid
from typing import Any

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from jsonschema import Draft202012Validator
from markupsafe import escape

from pms_sync.api.documentation import DOCS, OPENAPI
from pms_sync.api.operations import Operation, routes
from pms_sync.api.orders_in import NewReservation, ReservationPatch, StayPatch
from pms_sync.api.routes import operations
from pms_sync.auth.roles import PERMISSIONS
from pms_sync.ports.documents import Reservation, Stay
from tests.unit.test_orders_in import STAY, body, stay


class Nothing:
    """Stands for a database, keys and a desk that nobody asks."""

    database = keys = clock = None


@pytest.fixture(scope="module")
def table() -> list[Operation]:
    """Give the whole table."""
    people: Any = Nothing()
    orders: Any = Nothing()
    return operations(people, uuid.uuid4, orders=orders)


async def answered(table: list[Operation], path: str) -> web.Response:
    """Ask for one of the documents."""
    [row] = [one for one in table if one.path == path]
    response = await row.handler(make_mocked_request("GET", path))
    assert isinstance(response, web.Response)
    return response


@pytest.fixture
async def document(table: list[Operation]) -> Any:
    """Give the OpenAPI document as it is sent."""
    response = await answered(table, OPENAPI)
    assert response.content_type == "application/json"
    assert isinstance(response.body, bytes)
    return json.loads(response.body)


def validator(document: Any, name: str) -> Draft202012Validator:
    """Return what holds a value against a schema of the document."""
    return Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": document["components"]})


def told(document: Any) -> set[tuple[str, str]]:
    """Return every documented method and path."""
    return {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}


def references(part: Any) -> set[str]:
    """Return every reference inside a part of the document."""
    if isinstance(part, dict):
        own = {part["$ref"]} if isinstance(part.get("$ref"), str) else set()
        return own.union(*(references(one) for one in part.values()))
    return set().union(*(references(one) for one in part)) if isinstance(part, list) else set()


async def test_what_is_registered_is_documented_and_nothing_else(table: list[Operation], document: Any) -> None:
    registered = {(route.method, route.path) for route in routes(table)}
    assert registered == told(document)
    assert len(registered) == len(table) == 15
    surface = "POST /api/pms/reservations, PATCH /api/pms/reservations/{id}, POST /api/pms/reservations/{id}/cancel"
    surface += ", POST /api/pms/reservations/{id}/check-in, POST /api/pms/reservations/{id}/check-out"
    surface += ", POST /api/pms/reservations/{id}/no-show, GET /api/pms/reservations, GET /api/pms/reservations/{id}"
    surface += ", GET /api/pms/sync/health, GET /api/openapi.json, GET /api/docs, POST /api/auth/token/"
    assert {tuple(one.split()) for one in surface.split(", ")} <= registered


async def test_it_is_a_document_of_version_3_1(document: Any) -> None:
    assert document["openapi"] == "3.1.0"
    assert set(document["info"]) == {"title", "version"}
    names = [one["operationId"] for methods in document["paths"].values() for one in methods.values()]
    assert len(names) == len(set(names))
    for path, methods in document["paths"].items():
        for one in methods.values():
            named = {parameter["name"] for parameter in one.get("parameters", ()) if parameter["in"] == "path"}
            assert named == set(re.findall(r"\{(\w+)\}", path)), path
            assert one["responses"], path
            assert all(answer["description"] for answer in one["responses"].values()), path
            assert set(one["tags"]) <= {tag["name"] for tag in document["tags"]}
            for requirement in one.get("security", ()):
                assert set(requirement) <= set(document["components"]["securitySchemes"])


async def test_its_schemas_are_schemas_and_its_references_lead_somewhere(document: Any) -> None:
    found = references(document)
    assert found == {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    parameters = [
        parameter["schema"]
        for methods in document["paths"].values()
        for one in methods.values()
        for parameter in one.get("parameters", ())
    ]
    assert parameters
    for schema in parameters:
        Draft202012Validator.check_schema(schema)
        assert not references(schema)


async def test_schemas_and_readers_agree(document: Any) -> None:
    """What the document calls an order is one, and what it does not is none."""
    order, patch = validator(document, "NewReservation"), validator(document, "ReservationPatch")
    for good in (body(), stay(room=..., adults=..., nights=...), stay(room=None, adults=None), body(notes=None)):
        order.validate(good)
        msgspec.convert(good, NewReservation)
    for wrong in (body(x=1), body(source="x"), body(room_stays=[]), stay(adults=-1), stay(arrival=...), stay(room="")):
        assert not order.is_valid(wrong)
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(wrong, NewReservation)
    for good in ({}, {"expectedVersion": 3}, {"room_stays": [{"id": str(STAY), "status": "cancelled"}]}):
        patch.validate(good)
        msgspec.convert(good, ReservationPatch)
    assert not patch.is_valid({"version": 3})


async def test_who_may_is_documented(table: list[Operation], document: Any) -> None:
    """S0.62: every row below /api/pms/ names its permission, and there is a role that has it."""
    for row in table:
        operation = document["paths"][row.path][row.method.lower()]
        assert ("security" in operation) == (row.permission is not None) == row.path.startswith("/api/pms/"), row.path
        if row.permission is not None:
            assert any(row.permission in held for held in PERMISSIONS.values())
            assert f"{row.permission.action} on {row.permission.resource}" in operation["description"]
            assert {"401", "403", "503"} <= set(operation["responses"])


async def test_the_shown_and_the_settable_have_the_names_of_the_surface() -> None:
    """PUBLIC_SURFACE, "Words used everywhere"."""
    words: dict[Any, str] = {
        Reservation: "vendor ref property_ref version scope siblings_complete gone status vendor_status hold_kind "
        "blocks_inventory guaranteed channel channel_reference currency total price_basis booker guests room_stays "
        "folio_lines notes created_at modified_at id",
        Stay: "id ref room_type_ref room_ref rate_plan_ref arrival departure status adults children total nights",
        NewReservation: "property source booker currency room_stays notes",
        StayPatch: "id room_type room arrival departure adults children nights status",
    }
    for shape, names in words.items():
        assert set(names.split()) <= {field.encode_name for field in msgspec.structs.fields(shape)}


async def test_the_page_tells_the_same_and_runs_nothing(table: list[Operation], document: Any) -> None:
    """SEC-13: no script, nothing from elsewhere, and a policy that names the digest of the one style."""
    response = await answered(table, DOCS)
    page = response.text or ""
    for method, path in told(document):
        assert re.search(rf"{method}</span> {re.escape(path)}<", page), path
    for name in document["components"]["schemas"]:
        assert f'id="schema-{name}"' in page
    assert "<script" not in page.lower()
    assert not re.findall(r"(?:src|href)=\"(?!/api/|#)", page)
    assert not re.findall(r"\son\w+=|style=", page)
    [style] = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = response.headers["Content-Security-Policy"]
    assert f"style-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert set(re.findall(r"href=\"#(.*?)\"", page)) <= set(re.findall(r"id=\"(.*?)\"", page))


async def test_the_page_escapes_what_the_table_says(table: list[Operation]) -> None:
    page = (await answered(table, DOCS)).text or ""
    assert str(escape('the version that was read, as its ETag: "N"')) in page
    assert 'ETag: "N"' not in page


def test_without_a_desk_the_api_only_reads() -> None:
    people: Any = Nothing()
    rows = operations(people, uuid.uuid4, orders=None)
    assert {row.method for row in rows if row.path.startswith("/api/pms/")} == {"GET"}
