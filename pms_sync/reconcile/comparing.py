"""Comparing: a listing read to its end and held against what we hold, a page at a time, with nothing written.

Most objects are told equal by one digest or version; only the others are mapped and opened.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import date

import msgspec

from pms_sync.domain.digest import record_digests
from pms_sync.domain.errors import MappingRejected
from pms_sync.ports.connector import Page, Record
from pms_sync.ports.listing import Listed, Walk
from pms_sync.ports.mapper import Crosswalk, Mapper, MappingContext
from pms_sync.reconcile.given import RESERVATIONS, Ends, Progress, ReconcileRuntime, TakeIn
from pms_sync.reconcile.plan import missing
from pms_sync.reconcile.sides import (
    Class,
    Difference,
    Glance,
    Shown,
    Told,
    difference,
    glance,
    must_be_shown,
    tells_absence,
)
from pms_sync.store import accounts, crosswalk, equality, seen
from pms_sync.store.accounts import Account
from pms_sync.store.database import Connection, Database
from pms_sync.store.equality import Held
from pms_sync.store.recognise import Recognised, is_ref, recognise, unreadable_ref
from pms_sync.store.sealing import KeyRing
from pms_sync.store.seen import Seen

_AT_ONCE = 500


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What one run compares, and in whose terms: the account, its codes and its mapper as they were when it began."""

    stream: str
    account: Account
    codes: Crosswalk
    mapper: Mapper
    identifier_keys: frozenset[str]
    digest: Callable[[bytes], bytes]

    @property
    def context(self) -> MappingContext:
        """Return what the mapper needs to know of the property."""
        one = self.account
        return MappingContext(
            property_code=one.property_code, zone=one.timezone, currency=one.currency, crosswalk=self.codes
        )


class Found(msgspec.Struct, kw_only=True):
    """What comparing has come to so far: every ref that was listed, and what differs, by ref.

    `on_its_way` are those that wait to be read or applied already, `parked` those of which a row is parked. `whole`
    says that the listing was read to its end and came to rest, so that it tells what is not there. `deleted` are those
    that the listing itself shows as deleted.
    """

    listed: set[str] = set()
    differences: dict[str, Difference] = {}
    on_its_way: set[str] = set()
    parked: set[str] = set()
    deleted: set[str] = set()
    live: int = 0
    whole: bool = True
    first_ticket: int = 0
    last_ticket: int = 0


class Comparing:
    """Compares; holds no state between runs."""

    def __init__(self, database: Database, keys: KeyRing, walk: Walk, take_in: TakeIn) -> None:
        """`walk` reads a listing, `take_in` parks rows that nothing can name."""
        self._database, self._keys, self._walk, self._take_in = database, keys, walk, take_in

    async def terms(self, runtime: ReconcileRuntime, stream: str) -> Terms:
        """Return the terms as they are now."""
        async with self._database.transaction(runtime.account.tenant_id) as connection:
            [account] = await accounts.load(connection, [runtime.account.account_id])
            codes = await crosswalk.load_crosswalk(connection, account)
        keys = runtime.connector.spec.identifier_keys
        mapper, digest = runtime.mapper, record_digests(runtime.mapper.version, codes.version)
        return Terms(stream=stream, account=account, codes=codes, mapper=mapper, identifier_keys=keys, digest=digest)

    async def read(
        self, runtime: ReconcileRuntime, terms: Terms, ends: Ends, *, park: bool, progress: Progress
    ) -> Found:
        """Read the range to its end and compare; `park` takes in rows that cannot be named. Raises VendorFault."""
        async with self._database.connection() as connection:
            found = Found(parked=await equality.parked(connection, terms.account.account_id, terms.stream))
        async for pages in _some_at_once(self._walk(runtime, terms.stream, ends)):
            found.first_ticket = found.first_ticket or pages[0].ticket
            found.last_ticket = pages[-1].ticket
            found.whole = found.whole and all(listed.settled for listed in pages)
            shown: dict[str, Shown] = {}
            for listed in pages:
                nameless = _sort(terms, listed, shown)
                if park and (nameless.records or nameless.rejected):
                    await self._take_in(runtime, terms.stream, nameless, listed.ticket)
            await self._pages(terms, shown, found)
            progress(len(found.listed), len(found.differences), pages[-1].window.end)
        return found

    async def absent(self, terms: Terms, dimension: str, ends: Ends, today: date, found: Found) -> None:
        """Add what a whole listing did not show though it must."""
        found.whole = found.whole and tells_absence(dimension)
        account = terms.account
        async with self._database.transaction(account.tenant_id) as connection:
            live = await equality.live_blocks(connection, account, today, terms.stream)
            if terms.stream == RESERVATIONS:  # whose listing may hold blocks beside them
                live |= await equality.live(connection, account, today)
            found.live = len(live)
            unlisted = {ref: one for ref, one in live.items() if ref not in found.listed}
            remotes = await equality.remotes(connection, self._keys, account, list(unlisted.values()))
            standing = await equality.live(connection, account, date.min) if found.deleted else {}
        tickets = {"first_ticket": found.first_ticket, "last_ticket": found.last_ticket}
        deleted = {ref: one for ref, one in standing.items() if ref in found.deleted}
        found.differences |= {one.ref: one for one in missing(deleted, must_be_shown=deleted, **tickets)}
        if found.whole:
            must = {ref for ref, remote in remotes.items() if must_be_shown(remote, dimension, ends, today)}
            found.differences |= {one.ref: one for one in missing(unlisted, must_be_shown=must, **tickets)}

    async def _pages(self, terms: Terms, shown: dict[str, Shown], found: Found) -> None:
        """Compare what some pages show."""
        async with self._database.transaction(terms.account.tenant_id) as connection:
            held = await equality.held(connection, terms.account, [*shown])
            looks: dict[str, Glance] = {ref: _glance(one, held, found) for ref, one in shown.items()}
            looks = {ref: look for ref, look in looks.items() if look is not Glance.EQUAL}
            for ref in [ref for ref, look in looks.items() if look is Glance.DIFFERENT]:
                shown[ref] = _without_cards(terms, shown[ref])
                looks[ref] = _glance(shown[ref], held, found)
            differing = [shown[ref] for ref, look in looks.items() if look is Glance.DIFFERENT]
            told = await self._closely(connection, terms, differing, held, found) if differing else {}
        found.listed.update(shown)
        for ref in found.differences.keys() & shown.keys():
            del found.differences[ref]  # a page may have come before
        for ref, look in looks.items():
            unsure = Difference(ref=ref, kind=None, ticket=shown[ref].ticket) if look is Glance.UNSURE else None
            one = told.get(ref) or unsure
            if one is not None and one.kind is Class.MISSING_THERE:
                found.listed.discard(ref)  # what is shown as deleted is not shown: see `absent`
                found.deleted.add(ref)
            elif one is not None:
                found.differences[ref] = one

    async def _closely(
        self,
        connection: Connection,
        terms: Terms,
        differing: Sequence[Shown],
        held: Mapping[str, Held],
        found: Found,
    ) -> dict[str, Difference | None]:
        account, refs = terms.account, [one.ref for one in differing]
        known = await seen.load(connection, account.tenant_id, account.account_id, terms.stream, refs)
        opened = [held[ref] for ref in refs if ref in held]
        remotes = await equality.remotes(connection, self._keys, account, opened)
        coming = {one.ref for one in differing if _is_on_its_way(one, known)}
        found.on_its_way |= coming
        rest = [one for one in differing if one.ref not in coming]
        return {one.ref: _look(terms, one, held.get(one.ref), remotes.get(one.ref), known) for one in rest}


def _is_on_its_way(shown: Shown, known: Seen) -> bool:
    """Tell whether the object waits in its lane to be read, or to be applied as it is shown."""
    return shown.ref in known.waiting and known.waiting[shown.ref] in {None, shown.digest}


def _look(terms: Terms, shown: Shown, held: Held | None, remote: Told | None, known: Seen) -> Difference | None:
    """Class one object by what it means."""
    if not shown.has_name:
        return Difference(ref=shown.ref, kind=Class.MAPPING, ticket=shown.ticket, needs_person=True)
    if shown.digest is None:
        return difference(shown, held, None, remote)
    parked = known.parked.get(shown.ref) == shown.digest
    told = _mapped(terms, shown)
    if told is None:
        return Difference(ref=shown.ref, kind=Class.MAPPING, ticket=shown.ticket, needs_person=parked)
    return difference(shown, held, told, remote)


def _mapped(terms: Terms, shown: Shown) -> Told | None:
    """Return the one object that the record is, None where the mapper does not understand it."""
    try:
        mapped = terms.mapper.to_revisions(terms.stream, shown.body, terms.context)
    except MappingRejected:
        return None
    objects: list[Told] = [*mapped.revisions, *mapped.blocks]
    return objects[0] if len(objects) == 1 else None


async def _some_at_once(walk: AsyncIterator[Listed]) -> AsyncIterator[list[Listed]]:
    """Take pages together until they show some hundreds of objects: each look into the store costs more than a row."""
    pages, rows = list[Listed](), 0
    async for listed in walk:
        pages.append(listed)
        rows += len(listed.page.records) + len(listed.page.sightings)
        if rows >= _AT_ONCE:
            yield pages
            pages, rows = [], 0
    if pages:
        yield pages


def _sort(terms: Terms, listed: Listed, shown: dict[str, Shown]) -> Page:
    """Show the page's rows by ref, those that have no name under one of their bytes; returns these once more.

    A record is taken as it came: bytes with a card in them are equal to nothing that is stored, and looked at again.
    """
    page, ours, ticket, digest = listed.page, terms.account.property_ref, listed.ticket, terms.digest
    shown |= {one.ref: Shown(ref=one.ref, ticket=ticket, version=one.version) for one in page.sightings}
    odd = list[Record]()
    for record in page.records:
        ref = record.ref
        if record.property_ref != ours:
            continue
        if is_ref(ref):
            shown[ref] = Shown(ref=ref, ticket=ticket, digest=digest(record.body), body=record.body)
        else:
            odd.append(record)
    for body in (*(one.body for one in odd), *(one.body for one in page.rejected)):
        ref = unreadable_ref(_recognised(terms, body).body_digest)
        shown[ref] = Shown(ref=ref, ticket=ticket, digest=b"", has_name=False)
    return Page(records=tuple(odd), rejected=page.rejected)


def _glance(shown: Shown, held: Mapping[str, Held], found: Found) -> Glance:
    return glance(shown, held.get(shown.ref), parked=shown.ref in found.parked)


def _without_cards(terms: Terms, shown: Shown) -> Shown:
    """Remove cards before anything is compared as it is stored, or mapped."""
    if not shown.body:
        return shown
    known = _recognised(terms, shown.body)
    return msgspec.structs.replace(shown, digest=known.digest, body=known.body)


def _recognised(terms: Terms, body: bytes) -> Recognised:
    return recognise(body, terms.identifier_keys, terms.mapper.version, terms.codes.version)
