"""Rules of reading lists: pages, ties, late commits, rows that move, and whose rows they are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from connectors.kit.conformance.bench import RESERVATIONS, Bench, records
from connectors.kit.conformance.evidence import Finding, demand
from connectors.kit.conformance.looking import burst, by_ref, each_once, expected, stays_of
from pms_sync.domain.errors import VendorFault
from pms_sync.ports.connector import Record

_SECOND = timedelta(seconds=1)


async def pages_to_the_end(bench: Bench) -> str:
    """Every reservation of the hotel is listed over several pages, none twice."""
    count = 2 * bench.stream.page_size + 7
    made = await burst(bench, count)
    pages = await bench.walk(await bench.recent())
    each_once(bench, await expected(bench, made), records(pages))
    demand(len(pages) > 1, f"{count} records came on one page: the page size {bench.stream.page_size} is not true")
    return f"{count} records over {len(pages)} pages"


async def page_ties(bench: Bench) -> str:
    """Records that share one second are all found across a page boundary (CUR-03)."""
    moment = datetime.now(UTC).replace(microsecond=0)
    made = await burst(bench, bench.stream.page_size + 20, moment)
    window = bench.window(moment - _SECOND, moment + 3 * _SECOND)
    each_once(bench, await expected(bench, made), records(await bench.walk(window)))
    return f"{len(made)} records of one second"


async def late_commits(bench: Bench) -> str:
    """A change whose time lies before the cursor is found by the next read, which reaches back (BEYOND 89)."""
    await bench.book()
    cursor = max(filter(None, [page.high_water for page in await bench.walk(await bench.recent())]), default=None)
    now = await bench.now()
    late = min(bench.stream.calibrated_overlap, bench.stream.overlap) / 2
    await bench.sim("clock", advance_s=-late.total_seconds())
    ref = await bench.book()
    await bench.sim("clock", advance_s=late.total_seconds())
    start = (cursor or now) - bench.stream.calibrated_overlap
    window = bench.window(start, now + timedelta(minutes=5))
    found = stays_of(bench, records(await bench.walk(window)))
    demand(await expected(bench, [ref]) <= found, "a late change is not found by a read that reaches back over it")
    return f"committed {late.total_seconds():g} s late"


async def moves_while_paging(bench: Bench) -> str:
    """A record that changes while pages are read is found by this read or the next (CUR-04)."""
    made = await burst(bench, bench.stream.page_size + 10)
    window = await bench.recent()
    first = await bench.connector.pull(RESERVATIONS, window, None)
    for ref in (made[0], made[-1]):
        await bench.change("modify", ref=ref, set={"notes": "moved"})
    rest = [] if first.next is None else [await bench.connector.pull(RESERVATIONS, window, first.next)]
    first, rest = await bench.whole(first), [await bench.whole(page) for page in rest]
    again = records(await bench.walk(await bench.recent()))
    lost = await expected(bench, made) - stays_of(bench, [*records([first, *rest]), *again])
    demand(not lost, f"{len(lost)} records were lost while pages moved, among them {min(lost, default='')}")
    return "two records moved between pages"


async def equal_second_read(bench: Bench) -> str:
    """Reading an unchanged hotel twice brings the same bytes, and changes nothing there (CUR-01)."""
    before = await bench.truth()
    first, second = [by_ref(await bench.everything()) for _ in range(2)]
    demand(first, "nothing was listed")
    odd = {ref for ref in first.keys() | second.keys() if _bytes(first.get(ref)) != _bytes(second.get(ref))}
    demand(not odd, f"{len(odd)} records differ between two reads of the same state, among them {min(odd, default='')}")
    after = await bench.truth()
    demand(before["reservations"] == after["reservations"], "reading changed the hotel")
    return f"{len(first)} records, byte for byte"


async def bad_page_token(bench: Bench) -> str:
    """A foreign page token is a fault, never an empty or endless list (CUR-10)."""
    try:
        page = await bench.connector.pull(RESERVATIONS, await bench.recent(), "no-token-of-yours")
    except VendorFault as fault:
        return fault.what
    except Exception as error:
        raise Finding(f"a bad page token ends in {type(error).__name__}, not in a VendorFault") from error
    raise Finding(f"a bad page token was answered with {len(page.records) + len(page.sightings)} records")


async def only_our_property(bench: Bench) -> str:
    """A connector lists its own property and nothing of its neighbours."""
    await bench.reset(hotels=2, reservations=30)
    mine, other = (place["ref"] for place in bench.places[:2])
    found = await bench.everything()
    strange = [record.ref for record in found if record.property_ref != mine]
    demand(not strange, f"records of another property were listed: {strange[:3]}")
    theirs = await bench.everything(bench.connect(other))
    demand(found and theirs, "one of two properties lists nothing")
    same = {one.ref for one in found} & {one.ref for one in theirs}
    demand(not same or bench.spec.refs_per_property, "both properties list the same ref")
    return f"{len(found)} and {len(theirs)} records"


def _bytes(record: Record | None) -> tuple[str, bytes] | None:
    return None if record is None else (record.version, record.body)
