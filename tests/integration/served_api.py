"""The API on a real socket over a real database, with a desk in the test's hands instead of the real one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import httpx
import msgspec
from jsonschema import Draft202012Validator
from msgspec import UNSET

from pms_sync.api.auth_routes import TOKEN
from pms_sync.api.guard import bearer
from pms_sync.api.problems import problems
from pms_sync.api.reservations import Desk
from pms_sync.api.routes import api_routes
from pms_sync.apply.orders import Act, Actor, Draft, Edit, NotFound, StaleVersion
from pms_sync.store.database import Database
from pms_sync.store.ids import new_id
from pms_sync.store.sealing import KeyRing
from tests.integration.served_pages import Site, serving
from tests.integration.signing_in import PASSWORD, Watch, add_person

RESERVATIONS = "/api/pms/reservations"
_STATUS: dict[Act, str] = {
    "cancel": "cancelled", "check-in": "checked_in", "check-out": "checked_out", "no-show": "no_show",
}  # fmt: skip


class PlainDesk:
    """Writes orders plainly into the store, keeps what it was asked, and fails when it is told to.

    `fault` is raised when everything is written; `gate` holds an order up before that.
    """

    def __init__(self, keys: KeyRing) -> None:
        self._keys = keys
        self.asked: list[tuple[Any, ...]] = []
        self.fault: Exception | None = None
        self.gate: asyncio.Event | None = None
        self.arrived = asyncio.Event()

    async def create(self, connection: Any, tenant_id: UUID, draft: Draft, actor: Actor) -> UUID:
        """Write the reservation, its booker and its stays."""
        self.asked.append((draft, actor))
        reservation_id = new_id()
        property_id = await connection.fetchval(
            "SELECT property_id FROM properties WHERE tenant_id = $1 AND code = $2", tenant_id, draft.property_code
        )
        if property_id is None:
            raise NotFound(f"no property {draft.property_code!r}", "property")
        await connection.execute(
            "INSERT INTO reservations (tenant_id, reservation_id, property_id, status, blocks_inventory, currency, "
            "price_basis, version, source, channel) "
            "VALUES ($1, $2, $3, 'confirmed', true, $4, 'gross', 1, 'local', 'direct')",
            tenant_id,
            reservation_id,
            property_id,
            draft.currency,
        )
        await self._booker(connection, tenant_id, reservation_id, draft)
        for order in draft.stays:
            await _add_stay(connection, tenant_id, reservation_id, order)
        await self._end()
        return reservation_id

    async def edit(
        self, connection: Any, tenant_id: UUID, reservation_id: UUID, expected_version: int, edit: Edit, actor: Actor
    ) -> int:
        """Move the departures and number the reservation."""
        self.asked.append((edit, actor))
        await _find(connection, tenant_id, reservation_id, expected_version)
        for order in edit.stays:
            if order.departure is not UNSET:
                await connection.execute(
                    "UPDATE room_stays SET departure = $3 WHERE tenant_id = $1 AND stay_id = $2",
                    tenant_id,
                    order.id,
                    order.departure,
                )
        return await self._numbered(connection, tenant_id, reservation_id, "confirmed")

    async def act(
        self,
        connection: Any,
        tenant_id: UUID,
        reservation_id: UUID,
        expected_version: int | None,
        act: Act,
        actor: Actor,
    ) -> int:
        """Write the status and number the reservation."""
        self.asked.append((act, actor))
        await _find(connection, tenant_id, reservation_id, expected_version)
        return await self._numbered(connection, tenant_id, reservation_id, _STATUS[act])

    async def _numbered(self, connection: Any, tenant_id: UUID, reservation_id: UUID, status: str) -> int:
        version: int = await connection.fetchval(
            "UPDATE reservations SET version = version + 1, status = $3 "
            "WHERE tenant_id = $1 AND reservation_id = $2 RETURNING version",
            tenant_id,
            reservation_id,
            status,
        )
        await self._end()
        return version

    async def _end(self) -> None:
        self.arrived.set()
        if self.gate is not None:
            await self.gate.wait()
        if self.fault is not None:
            raise self.fault

    async def _booker(self, connection: Any, tenant_id: UUID, reservation_id: UUID, draft: Draft) -> None:
        place = f"guests.contact:{reservation_id}:booker:0"
        await connection.execute(
            "INSERT INTO guests (tenant_id, guest_id, reservation_id, role, contact, has_email, has_phone) "
            "VALUES ($1, $2, $3, 'booker', $4, false, false)",
            tenant_id,
            new_id(),
            reservation_id,
            self._keys.seal(tenant_id, place, msgspec.json.encode(draft.booker)),
        )


async def _add_stay(connection: Any, tenant_id: UUID, reservation_id: UUID, order: Any) -> None:
    await connection.execute(
        "INSERT INTO room_stays (tenant_id, stay_id, reservation_id, vendor_ref, room_type_id, room_type_ref, arrival, "
        "departure, status, blocks_inventory, claim_state, adults) "
        "SELECT $1, $2, $3, 'd.1', (SELECT room_type_id FROM room_types WHERE code = $4), $4, $5, $6, 'confirmed', "
        "true, 'none', $7",
        tenant_id,
        new_id(),
        reservation_id,
        order.room_type,
        order.arrival,
        order.departure,
        None if order.adults is UNSET else order.adults,
    )


async def _find(connection: Any, tenant_id: UUID, reservation_id: UUID, expected: int | None) -> None:
    version = await connection.fetchval(
        "SELECT version FROM reservations WHERE tenant_id = $1 AND reservation_id = $2 FOR UPDATE",
        tenant_id,
        reservation_id,
    )
    if version is None:
        raise NotFound(f"no reservation {reservation_id}", "id")
    if expected is not None and expected != version:
        raise StaleVersion(version)


class Client:
    """Somebody with a token."""

    def __init__(self, site: Site, access: str) -> None:
        self._site, self.access = site, access

    async def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Send a request; `headers` are added to the token's."""
        headers = {"Authorization": f"Bearer {self.access}", **more.pop("headers", {})}
        return await self._site.browser.request(method, path, headers=headers, **more)

    async def get(self, path: str, **query: Any) -> httpx.Response:
        """Read."""
        return await self.ask("GET", path, params=query)

    async def post(self, path: str, told: Any = None, **headers: str) -> httpx.Response:
        """Send a body, or none; `Idempotency_Key="…"` sends that header."""
        return await self._send("POST", path, told, headers)

    async def patch(self, path: str, told: Any, **headers: str) -> httpx.Response:
        """Send a merge patch."""
        return await self._send("PATCH", path, told, headers)

    async def _send(self, method: str, path: str, told: Any, headers: dict[str, str]) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        more = {} if told is None else {"json": told}
        return await self.ask(method, path, headers=named, **more)


class Api:
    """A running API with its people and its desk."""

    def __init__(self, site: Site, database: Database, desk: PlainDesk, watch: Watch) -> None:
        self.site, self.database, self.desk, self.watch = site, database, desk, watch
        self.changes = 0

    async def person(self, tenant_id: UUID, role: str = "manager", name: str | None = None) -> Client:
        """Let somebody exist and sign in."""
        email = f"{name or role}-{tenant_id.hex[:8]}@example.org"
        await add_person(self.database, tenant_id, email, role)
        answer = await self.site.browser.post(TOKEN, json={"email": email, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        return Client(self.site, answer.json()["access"])

    async def count(self, tenant_id: UUID, table: str = "reservations") -> int:
        """Count a tenant's rows of a table."""
        async with self.database.transaction(tenant_id) as connection:
            found: int = await connection.fetchval(f"SELECT count(*) FROM {table} WHERE tenant_id = $1", tenant_id)
        return found

    async def assert_documented(self, answer: httpx.Response) -> None:
        """Hold an answer against what the OpenAPI document says of its address."""
        document = (await self.site.browser.get("/api/openapi.json")).json()
        schema = answered_by(document, answer)
        Draft202012Validator({**schema, "components": document["components"]}).validate(answer.json())


def answered_by(document: Any, answer: httpx.Response) -> Any:
    """Return the documented schema of an answer; a status or media type nobody documented is a KeyError."""
    asked = answer.request.url.path.split("/")
    for path, methods in document["paths"].items():
        pattern = path.split("/")
        if len(asked) == len(pattern) and all(
            part.startswith("{") or part == own for part, own in zip(pattern, asked, strict=True)
        ):
            told = methods[answer.request.method.lower()]["responses"][str(answer.status_code)]
            for name, header in told.get("headers", {}).items():
                assert header["schema"]
                assert name in answer.headers or name not in {"ETag", "Location", "Retry-After"}, name
            return told["content"][answer.headers["Content-Type"].partition(";")[0]]["schema"]
    raise AssertionError(answer.request.url.path)


@asynccontextmanager
async def serving_api(
    database: Database, keys: KeyRing, watch: Watch, orders: Desk | None = None
) -> AsyncIterator[Api]:
    """Serve the whole API beside the pages, on a free loopback port, before a plain desk unless another is given."""
    desk = PlainDesk(keys)
    found: list[Api] = []

    def changed() -> None:
        found[0].changes += 1

    async with serving(
        database,
        keys,
        clock=watch,
        extra=lambda people: api_routes(people, new_id, orders=orders or desk, changed=changed),
        inside=[lambda _: problems, bearer],
    ) as site:
        found.append(Api(site, database, desk, watch))
        yield found[0]


_HOTEL = """
WITH property AS (
    INSERT INTO properties (tenant_id, property_id, code, name, timezone, currency)
    VALUES ($1, $2, 'P1', 'Hotel', 'Europe/Madrid', 'EUR')
), kind AS (
    INSERT INTO room_types (tenant_id, room_type_id, property_id, code) VALUES ($1, $3, $2, 'DBL')
), room AS (
    INSERT INTO rooms (tenant_id, room_id, property_id, room_type_id, code) VALUES ($1, $4, $2, $3, '101')
)
INSERT INTO room_units (tenant_id, room_id, unit_id) VALUES ($1, $4, $4)
"""


async def add_tenant(database: Database, keys: KeyRing, code: str = "t2") -> UUID:
    """Let another tenant exist, with a property P1 that sells DBL 101."""
    tenant_id = new_id()
    async with database.transaction() as connection:
        await connection.execute("INSERT INTO tenants (tenant_id, code) VALUES ($1, $2)", tenant_id, code)
        await keys.ensure(connection, tenant_id)
    async with database.transaction(tenant_id) as connection:
        await connection.execute(_HOTEL, tenant_id, new_id(), new_id(), new_id())
    return tenant_id
