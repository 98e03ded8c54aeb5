"""Rules of meaning: what the mapper makes of records is what the vendor's truth says, or a rejection."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from connectors.kit.conformance.agreement import block_differences, reservation_differences
from connectors.kit.conformance.bench import RESERVATIONS, Bench, Row, records
from connectors.kit.conformance.evidence import Finding, demand
from connectors.kit.conformance.looking import meaning
from pms_sync.domain.errors import MappingRejected
from pms_sync.domain.reservation import Block, Revision
from pms_sync.ports.connector import Record
from pms_sync.ports.mapper import Crosswalk, Mapped, MappingContext

_SEEDS = (1, 2, 3)
_UNKNOWN = "certify_unknown_word"
_NONSENSE = (b"", b"null", b"[]", b"{}", b"7", b"{", b"\xff\xfe", b"\x00", b"[" * 5000, b'{"a":' * 5000, b"<a/>")
_MOST_SHOWN = 3


async def seeded_truth(bench: Bench) -> str:
    """Every record of several seeded hotels, in several currencies, means what the vendor's truth says."""
    compared = 0
    for seed in _SEEDS:
        await bench.reset(seed=seed, hotels=4, rooms=6, reservations=100)
        compared += await _agree(bench)
    return f"{compared} reservations and blocks of {len(_SEEDS)} seeds, field by field"


async def changed_truth(bench: Bench) -> str:
    """After edits, cancellations and a further room the records still mean what the truth says."""
    refs = [one["ref"] for one in (await bench.truth())["reservations"] if one["status"] == "confirmed"]
    demand(len(refs) >= len(_EDITS), "the seeded hotel has too few confirmed reservations to edit")
    for ref, edit in zip(refs, _EDITS, strict=False):
        await bench.change("modify", ref=ref, set=edit)
    for ref in refs[len(_EDITS) :][:2]:
        await bench.change("cancel", ref=ref)
    await bench.change("create", set=_GROUP)
    return f"{await _agree(bench)} reservations and blocks after {len(_EDITS) + 3} changes"


_EDITS: tuple[Row, ...] = (
    {"notes": "Zażółć gęślą jaźń \U0001f6cf", "comments": ""},
    {"booker": {"first_name": "", "last_name": "O'Neill-\u05d0\u05d1", "email": "", "phone": "", "country": "FR"}},
    {"total": "100.01"},
    {"arrival": "2031-02-27", "departure": "2031-03-02"},
    {"folio_lines": [{"kind": "charge", "text": "Spa", "amount": "12.30"}, {"kind": "payment", "amount": "-2.00"}]},
)
_GROUP: Row = {
    "arrival": "2031-06-01",
    "departure": "2031-06-04",
    "status": "confirmed",
    "total": "1000.01",
    "room_stays": [{"arrival": "2031-06-01", "departure": "2031-06-04"} for _ in range(3)],
}


async def unknown_word(bench: Bench) -> str:
    """An unknown status is rejected with path and value, alone: its neighbours are mapped (CUR-19)."""
    found = await bench.everything()
    tried = 0
    for record in found:
        try:
            mapped = meaning(bench, record)
        except MappingRejected as error:
            raise Finding(f"{record.ref} is rejected: {error}") from error
        if mapped.revisions and mapped.revisions[0].vendor_status:
            _reject_unknown(bench, record, mapped.revisions[0].vendor_status)
            tried += 1
    demand(tried, "no record shows the vendor's word for its status (vendor_status)")
    return f"{tried} records with an unknown status"


def _reject_unknown(bench: Bench, record: Record, word: str) -> None:
    """Put an unknown word wherever the status word stands; at least one place must be its home and reject it."""
    rejections = []
    for body in _replaced(record.body, f'"{word}"'.encode(), f'"{_UNKNOWN}"'.encode()):
        try:
            bench.mapper.to_revisions(RESERVATIONS, body, bench.context())
        except MappingRejected as rejected:
            rejections.append(rejected)
    demand(rejections, f"{record.ref}: an unknown status instead of {word!r} is mapped as if it were known")
    named = [one for one in rejections if one.path.strip("$.") and _UNKNOWN in one.value and one.why]
    demand(named, f"{record.ref}: the rejection names no path, value and reason, but {rejections[0]!s}")
    demand(any(one.ref == record.ref for one in named), f"{record.ref}: the rejection does not say whose record it is")


def _replaced(body: bytes, old: bytes, new: bytes) -> Iterator[bytes]:
    start = body.find(old)
    while start >= 0:
        yield body[:start] + new + body[start + len(old) :]
        start = body.find(old, start + 1)


async def one_bad_row(bench: Bench) -> str:
    """In a file of records a bad one is rejected by itself, and the others mean what they meant."""
    found = [record for record in await bench.everything() if b'"' in record.body][:3]
    bodies = [found[0].body, _NONSENSE[3], *(record.body for record in found[1:])]
    rows = bench.mapper.rows(b"[" + b",".join(bodies) + b"]")
    demand(len(rows) == len(bodies), f"a list of {len(bodies)} records was split into {len(rows)}")
    for row, body in zip(rows, bodies, strict=True):
        if body == _NONSENSE[3]:
            _rejects(bench, row)
        else:
            same = bench.mapper.to_revisions(RESERVATIONS, row, bench.context())
            demand(same == bench.mapper.to_revisions(RESERVATIONS, body, bench.context()), "a row changed its meaning")
    return f"{len(bodies) - 1} good rows beside a bad one"


async def total_and_pure(bench: Bench) -> str:
    """Any bytes are mapped or rejected, nothing else; the same bytes mean the same twice."""
    record = (await bench.everything())[0]
    demand(meaning(bench, record) == meaning(bench, record), "the same bytes mean two things")
    cuts = [record.body[: len(record.body) * part // 10] for part in range(10)]
    for body in (*_NONSENSE, *cuts):
        _rejects(bench, body)
    try:
        bench.mapper.to_revisions("no such stream", record.body, bench.context())
    except MappingRejected:
        return f"{len(_NONSENSE) + len(cuts)} bodies of nonsense"
    except Exception as error:
        raise Finding(f"an unknown stream ends in {type(error).__name__}, not in MappingRejected") from error
    raise Finding("a record of an unknown stream is mapped")


def _rejects(bench: Bench, body: bytes) -> None:
    try:
        bench.mapper.to_revisions(RESERVATIONS, body, bench.context())
    except MappingRejected:
        return
    except Exception as error:
        raise Finding(f"{body[:20]!r} ends in {type(error).__name__}, not in MappingRejected") from error
    raise Finding(f"{body[:20]!r} is mapped although it is no record")


async def crosswalk(bench: Bench) -> str:
    """Codes are translated where the crosswalk knows them, and told as unmapped where it does not."""
    stays = [
        (record, revision.room_stays[0])
        for record in await bench.everything()
        for revision in meaning(bench, record).revisions
        if revision.room_stays[0].room_ref
    ]
    demand(stays, "no record names a room")
    record, stay = stays[0]
    pairs = {"room_type": {stay.room_type_ref: "OUR-TYPE"}, "room": {stay.room_ref: "OUR-ROOM"}}
    known = {kind: {code: ours for code, ours in pair.items() if code} for kind, pair in pairs.items()}
    mapped = _mapped(bench, record, bench.context(crosswalk=Crosswalk(**known)))  # type: ignore[arg-type]
    ours = mapped.revisions[0].room_stays[0]
    demand((ours.room_type, ours.room) == ("OUR-TYPE", "OUR-ROOM"), f"codes became {ours.room_type} and {ours.room}")
    told = _mapped(bench, record, bench.context(crosswalk=Crosswalk())).unmapped
    codes = {(one.kind, one.code) for one in told}
    both = {("room_type", stay.room_type_ref), ("room", stay.room_ref)}
    demand(both <= codes, f"an empty crosswalk leaves {sorted(codes)} as unmapped")
    return "a room type and a room, known and unknown"


async def versions_grow(bench: Bench) -> str:
    """A later state has a version that sorts behind the earlier one's."""
    ref = await bench.book()
    first = await _version(bench, ref)
    await bench.sim("clock", advance_s=2)
    await bench.change("modify", ref=ref, set={"adults": 2})
    second = await _version(bench, ref)
    demand(first < second, f"the version went from {first!r} to {second!r}")
    return f"{first} before {second}"


async def _version(bench: Bench, reservation: str) -> str:
    pages = await bench.walk(await bench.recent())
    revisions = [one for record in records(pages) for one in meaning(bench, record).revisions]
    found = [one.version for one in revisions if one.ref == reservation]
    demand(found, f"reservation {reservation} is not listed")
    return found[0]


async def _agree(bench: Bench) -> int:
    """Compare all properties; returns how many objects were compared."""
    truth = await bench.truth()
    differences: list[str] = []
    for place in bench.places:
        found = await bench.held(bench.connect(place["ref"]))
        revisions, blocks = _sorted(bench, found, bench.context(place))
        mine = [one for one in truth["reservations"] if one["property_ref"] == place["ref"]]
        differences += reservation_differences(mine, revisions)
        theirs = [one for one in truth["blocks"] if one["property_ref"] == place["ref"]]
        read = [one for one in theirs if one["kind"] not in bench.spec.unread_blocks]
        differences += block_differences(read, blocks)
    shown = "; ".join(differences[:_MOST_SHOWN])
    demand(not differences, f"{len(differences)} differences from the truth: {shown}")
    return len(truth["reservations"]) + len(truth["blocks"])


def _sorted(
    bench: Bench, found: Sequence[Record], context: MappingContext
) -> tuple[dict[str, list[Revision]], list[Block]]:
    """Map records; revisions by the ref of each stay they speak of."""
    by_stay: dict[str, list[Revision]] = defaultdict(list)
    blocks: list[Block] = []
    for record in found:
        mapped = _mapped(bench, record, context)
        blocks += mapped.blocks
        for revision in mapped.revisions:
            for stay in revision.room_stays:
                by_stay[stay.ref].append(revision)
    return by_stay, blocks


def _mapped(bench: Bench, record: Record, context: MappingContext) -> Mapped:
    try:
        return bench.mapper.to_revisions(record.stream, record.body, context)
    except MappingRejected as rejected:
        raise Finding(f"record {record.ref} is rejected: {rejected.path}: {rejected.why}") from rejected
