"""Rules of reading by ref, of calls at once, and of the budget's facts."""

from __future__ import annotations

import math

from connectors.kit.conformance.bench import RESERVATIONS, Bench, records
from connectors.kit.conformance.evidence import Finding, demand
from connectors.kit.conformance.looking import burst, by_ref, meaning, record_ref
from pms_sync.ports.connector import Missing, Record

_JUNK_REFS = ("", "0", "no such ref", "' OR 1=1", "9" * 40, "a&b=c", "\u0661")


async def fetch_batches(bench: Bench) -> str:
    """N refs cost ceil(N / batch_fetch_limit) calls, and every ref has an answer.

    Counted are the calls that name the objects, in their path or by their first list; what a vendor tells of them in
    further lists is asked beside.
    """
    limit = bench.spec.batch_fetch_limit
    await burst(bench, limit + limit // 2 + 1)
    refs = [record.ref for record in records(await bench.walk(await bench.recent()))]
    found: dict[str, Record | Missing] = {}

    async def read() -> None:
        for start in range(0, len(refs), limit):
            found.update(await bench.connector.fetch(RESERVATIONS, refs[start : start + limit]))

    seen = await bench.seen_during(read)
    unanswered = [ref for ref in refs if not isinstance(found.get(ref), Record)]
    demand(not unanswered, f"{len(unanswered)} of {len(refs)} refs brought no record, among them {unanswered[:1]}")
    allowed = math.ceil(len(refs) / limit)
    own = {call["path"] for call in seen if any(ref in call["path"] for ref in refs)} or {seen[0]["path"]}
    asked = sum(call["path"] in own for call in seen)
    demand(asked == allowed, f"{len(refs)} refs cost {asked} calls instead of {allowed}")
    return f"{len(refs)} refs in {asked} calls, and {len(seen) - asked} beside"


async def fetch_means_the_same(bench: Bench) -> str:
    """A record fetched by ref means what the same record of a list means."""
    listed = by_ref(await bench.everything())
    refs = sorted(listed)[: bench.spec.batch_fetch_limit]
    found = await bench.connector.fetch(RESERVATIONS, refs)
    for ref in refs:
        one = found.get(ref)
        if not isinstance(one, Record):
            raise Finding(f"{ref} was listed, but a fetch does not bring it")
        same = meaning(bench, one) == meaning(bench, listed[ref])
        demand(same and one.property_ref == listed[ref].property_ref, f"{ref} means another thing when fetched")
    return f"{len(refs)} records"


async def fetch_absent(bench: Bench) -> str:
    """What is not there is Missing, whatever the ref looks like, and its neighbours come all the same."""
    gone_ref, kept_ref = await bench.book(), await bench.book()
    kept, gone = [await record_ref(bench, ref) for ref in (kept_ref, gone_ref)]
    await bench.change("delete", ref=gone_ref)
    asked = [*_JUNK_REFS, gone, kept]
    found = await bench.fetch(asked)
    demand(isinstance(found.get(kept), Record), "a living record did not come beside refs that do not exist")
    for ref in asked[:-1]:
        one = found.get(ref)
        fits = isinstance(one, Missing) and one.reason in {"absent", "deleted"}
        demand(fits, f"ref {ref!r} does not exist and was answered with {one!r}")
    only = await bench.connector.fetch(RESERVATIONS, [gone])
    demand(isinstance(only.get(gone), Missing), "a vanished record has no answer when it is asked for alone")
    return f"{len(asked) - 1} refs that do not exist"


async def fetch_not_ours(bench: Bench) -> str:
    """A record of another property of the account is answered as not ours, or as absent where refs are per property."""
    await bench.reset(hotels=2, reservations=30)
    theirs = (await bench.everything(bench.connect(bench.places[1]["ref"])))[0].ref
    found = (await bench.connector.fetch(RESERVATIONS, [theirs])).get(theirs)
    right = {"not_ours", "absent"} if bench.spec.refs_per_property else {"not_ours"}
    fits = isinstance(found, Missing) and found.reason in right
    demand(fits, f"a record of another property was answered with {type(found).__name__}")
    return "one foreign record"


async def serial_calls(bench: Bench) -> str:
    """Inside one method no more calls run at once than the spec declares (BRK-07)."""
    refs = [record.ref for record in await bench.everything()][: bench.spec.batch_fetch_limit]
    await bench.faults({"kind": "delay", "seconds": 0.02})
    window, connector = await bench.recent(), bench.connector

    async def use_all() -> None:
        await connector.check()
        await connector.catalogue()
        await bench.walk(window)
        await connector.fetch(RESERVATIONS, refs)

    seen = await bench.seen_during(use_all)
    most = max((call["in_flight"] for call in seen), default=0)
    demand(most <= bench.spec.max_in_flight, f"{most} calls ran at once; the spec allows {bench.spec.max_in_flight}")
    return f"{len(seen)} calls, at most {most} at once"


async def budget_facts(bench: Bench) -> str:
    """What the vendor tells about its budget is reported, call by call."""
    window = await bench.recent()
    await bench.connector.pull(RESERVATIONS, window, None)
    bench.reports.clear()
    seen = await bench.seen_during(lambda: bench.connector.pull(RESERVATIONS, window, None))
    costs = sum(call["cost"] for call in seen if call["cost"] is not None)
    if not costs:
        return "this vendor's calls tell no cost"
    reported = sum(facts.cost or 0 for facts in bench.reports)
    known = any(facts.remaining is not None for facts in bench.reports)
    demand(known or reported, f"a call cost {costs:g}, and nothing was reported")
    demand(not reported or math.isclose(reported, costs), f"a call cost {costs:g}, reported was {reported:g}")
    return f"{len(bench.reports)} reports for {len(seen)} calls"


async def calibration(bench: Bench) -> str:
    """A known record proves how the vendor reads our times; nonsense proves nothing and harms nothing."""
    if bench.stream.feed != "delta":
        return "no delta feed"
    known = (await bench.everything())[0]
    demand(await bench.connector.calibrate(RESERVATIONS, known), "a listed record does not prove the filter")
    strange = Record(stream=RESERVATIONS, ref=known.ref, property_ref=known.property_ref, body=b"{}", version="?")
    demand(not await bench.connector.calibrate(RESERVATIONS, strange), "a record without a time proves the filter")
    return f"proven with {known.ref}"
