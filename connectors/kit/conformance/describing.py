"""Rules of what a vendor says about itself: declared facts, the check call, the catalogue, and letting go."""

from __future__ import annotations

from datetime import timedelta

from connectors.kit.conformance.bench import RESERVATIONS, Bench
from connectors.kit.conformance.evidence import demand
from pms_sync.ports.connector import PLUGIN_API

_CLOCKS_APART = timedelta(minutes=1)


async def declared_facts(bench: Bench) -> str:
    """The spec, the door and the mapper speak of one vendor and declare facts an engine can work with."""
    spec = bench.spec
    names = {spec.vendor, bench.mapper.vendor, *([bench.door.vendor] if bench.door else [])}
    demand(len(names) == 1, f"connector, door and mapper name different vendors: {sorted(names)}")
    demand(spec.plugin_api == PLUGIN_API, f"the plugin speaks API {spec.plugin_api}, this kit {PLUGIN_API}")
    streams = [stream.name for stream in spec.streams]
    demand(len(set(streams)) == len(streams), "two streams have one name")
    least = min(spec.max_in_flight, spec.batch_fetch_limit, bench.mapper.version, bench.stream.page_size)
    demand(least >= 1, "a limit, the page size or the mapper's version is below one")
    demand(spec.rate_budget.credits > spec.rate_budget.reserve >= 0, "the budget's reserve leaves no credits")
    stream = bench.stream
    demand(stream.calibrated_overlap <= stream.overlap, "calibration would make the overlap wider")
    demand(stream.overlap > stream.clock_granularity, "the overlap is no wider than a tick of the vendor's clock")
    known = set(spec.credential_keys) | spec.secret_credentials
    demand(set(bench.credentials) <= known, f"the spec does not know the credentials {sorted(bench.credentials)}")
    header = bench.door.header if bench.door else None
    demand("webhooks" not in spec.capabilities or bench.door is not None, "webhooks are declared, and there is no door")
    demand("webhooks" not in spec.capabilities or header == spec.webhook_header, "door and spec differ")
    return f"{len(streams)} streams, {len(spec.capabilities)} capabilities"


async def constructor_is_silent(bench: Bench) -> str:
    """Making a connector sends nothing; closing it twice harms nobody."""

    async def make_and_close() -> None:
        one = bench.connect(bench.place["ref"])
        await one.aclose()
        await one.aclose()

    seen = await bench.seen_during(make_and_close)
    demand(not seen, f"making and closing a connector made {len(seen)} calls")
    return "no call"


async def check(bench: Bench) -> str:
    """The check names the property, lacks no scope, and tells clock, zone and currency truly where it tells them."""
    told = await bench.connector.check()
    ref = bench.place["ref"]
    demand(not told.missing_scopes, f"full credentials lack scopes: {told.missing_scopes}")
    demand(not told.property_refs or ref in told.property_refs, f"property {ref} is not among {told.property_refs}")
    for name, said, true in (
        ("zone", told.zone, bench.place["timezone"]),
        ("currency", told.currency, bench.place["currency"]),
    ):
        demand(said in {None, true}, f"the check tells the {name} {said}, true is {true}")
    if told.vendor_time is not None:
        apart = abs(told.vendor_time - await bench.now())
        demand(apart <= _CLOCKS_APART, f"the vendor's clock is told {apart.total_seconds():.0f} s wrong")
    return f"{len(told.property_refs)} properties, {len(told.scopes)} scopes"


async def catalogue(bench: Bench) -> str:
    """The catalogue holds every room type, unit and room that reservations speak of."""
    await bench.reset(hotels=2, rooms=8, reservations=30)
    for place in bench.places:
        told = await bench.connect(place["ref"]).catalogue()
        demand(told.property_ref == place["ref"], f"the catalogue of {place['ref']} is that of {told.property_ref}")
        types = {kind.ref: kind.units for kind in told.room_types}
        true = {kind["ref"]: kind["units"] for kind in place["room_types"]}
        demand(types == true, f"room types with units are told as {types}, true is {true}")
        demand(told.currency in {None, place["currency"]}, f"the currency is told as {told.currency}")
        demand(told.zone in {None, place["timezone"]}, f"the zone is told as {told.zone}")
        rooms = {room.ref for kind in told.room_types for room in kind.rooms}
        used = await _rooms_used(bench, place["ref"])
        demand(used <= rooms, f"reservations are in rooms the catalogue does not know: {sorted(used - rooms)[:3]}")
    return f"{len(bench.places)} properties"


async def _rooms_used(bench: Bench, property_ref: str) -> set[str]:
    truth = await bench.truth()
    mine = [one for one in truth["reservations"] if one["property_ref"] == property_ref]
    return {stay["room_ref"] for one in mine for stay in one["room_stays"] if stay["room_ref"]}


async def unknown_stream(bench: Bench) -> str:
    """A stream that is not declared is an error of the caller, found before anything is sent."""
    window = await bench.recent()

    async def ask_wrongly() -> None:
        for act in (lambda: bench.connector.pull("no such stream", window, None),
                    lambda: bench.connector.fetch("no such stream", ["1"])):  # fmt: skip
            try:
                await act()
            except (LookupError, ValueError):
                continue
            demand(holds=False, detail="an unknown stream is read")

    seen = await bench.seen_during(ask_wrongly)
    demand(not seen, f"an unknown stream made {len(seen)} calls")
    return f"beside {RESERVATIONS}"
