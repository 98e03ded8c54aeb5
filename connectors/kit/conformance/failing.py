"""Rules of failing: what a broken wire, a full budget and a dead token are told as; nothing repeats itself."""

from __future__ import annotations

import traceback
from collections.abc import Awaitable, Callable

import httpx
import msgspec

from connectors.kit.conformance.bench import RESERVATIONS, Bench, Row, records
from connectors.kit.conformance.evidence import Finding, NotDeclared, demand
from connectors.kit.conformance.looking import burst, expected, stays_of
from pms_sync.domain.errors import Disposition, VendorFault

_SHORT_PATIENCE = httpx.Timeout(0.15)
_ASKED_WAIT_S = 137.0
_LONGEST_WAIT_S = 3600.0
_TO_UNDERSTAND_IT = 2  # beside what the read takes anyway
_MOST_CALLS_FOR_A_DEAD_TOKEN = 6
_MINUTE_S = 60

RETRY, PAUSE, ABORT = Disposition.RETRY, Disposition.PAUSE, Disposition.ABORT
Read = Callable[[], Awaitable[object]]


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """One planned fault, and how it must be told; `away` None means that either is right."""

    fault: Row
    told_as: frozenset[Disposition]
    away: bool | None = None
    waits_at_least: float | None = None
    patience: httpx.Timeout | None = None


_NO_ANSWER = frozenset({RETRY})
_NONSENSE = frozenset({RETRY, ABORT})
_LIMIT = {"kind": "status", "status": 429}

TROUBLES: dict[str, Trouble] = {
    "faults.500": Trouble(fault={"kind": "status", "status": 500}, told_as=_NO_ANSWER, away=True),
    "faults.503": Trouble(fault={"kind": "status", "status": 503}, told_as=_NO_ANSWER, away=True),
    "faults.timeout": Trouble(
        fault={"kind": "delay", "seconds": 0.6}, told_as=_NO_ANSWER, away=True, patience=_SHORT_PATIENCE
    ),
    "faults.dropped_before": Trouble(fault={"kind": "drop_before"}, told_as=_NO_ANSWER, away=True),
    "faults.dropped_after": Trouble(fault={"kind": "drop_after"}, told_as=_NO_ANSWER, away=True),
    "faults.html_200": Trouble(fault={"kind": "html", "status": 200}, told_as=_NONSENSE),
    "faults.html_502": Trouble(fault={"kind": "html", "status": 502}, told_as=_NO_ANSWER, away=True),
    "faults.truncated": Trouble(fault={"kind": "truncate"}, told_as=_NONSENSE),
    "limits.retry_after": Trouble(
        fault={**_LIMIT, "headers": {"Retry-After": f"{_ASKED_WAIT_S:g}"}},
        told_as=_NO_ANSWER,
        away=False,
        waits_at_least=_ASKED_WAIT_S,
    ),
    "limits.no_word": Trouble(fault=_LIMIT, told_as=_NO_ANSWER, away=False, waits_at_least=1.0),
}


async def _cost(bench: Bench, read: Read) -> tuple[int, str]:
    """Return how many calls a read takes when all is well, and its last path: some vendors tell an object in parts."""
    before = len(await bench.calls())
    await read()
    seen = await bench.calls(before)
    return len(seen), str(seen[-1]["path"])


def trouble(name: str) -> Callable[[Bench], Awaitable[str]]:
    """Return the rule of one trouble: told rightly, asked once, forgotten when it is over."""

    async def rule(bench: Bench) -> str:
        for kind, (read, whole) in (await _reads(bench)).items():
            await _suffer(bench, TROUBLES[name], kind, read, whole)
        return "a list and a fetch"

    return rule


async def _reads(bench: Bench) -> dict[str, tuple[Read, Read]]:
    """Return a read of a list and a read by ref, each with what it comes to as a whole; done once, so tokens are there.

    A connector may answer trouble with smaller pages: then the list as a whole still has to be the same.
    """
    window = await bench.recent(minutes=_MINUTE_S)
    await bench.book()
    refs = [record.ref for record in records(await bench.walk(window))][: bench.spec.batch_fetch_limit]
    demand(refs, "nothing was listed")
    pulls: Read = lambda: bench.connector.pull(RESERVATIONS, window, None)  # noqa: E731 - two entries of one table
    fetches: Read = lambda: bench.connector.fetch(RESERVATIONS, refs)  # noqa: E731

    async def listed() -> object:
        return sorted(record.body for record in records(await bench.walk(window)))

    return {"list": (pulls, listed), "fetch": (fetches, fetches)}


async def _suffer(bench: Bench, case: Trouble, kind: str, read: Read, whole: Read) -> None:
    all_well, well = await whole(), await read()
    path = (await bench.calls())[-1]["path"]
    await bench.faults({**case.fault, "match": {"path": path}})
    patient = bench.client.timeout
    bench.client.timeout = case.patience or patient
    fault, seen = await refusal(bench, read, kind)
    bench.client.timeout = patient
    _judge(case, fault, kind)
    again = sum(call["path"] == path for call in seen)
    demand(again == 1, f"the {kind} was asked {again} times: repeating is the engine's business")
    await bench.faults()
    same = await read() == well or await whole() == all_well
    demand(same, f"the {kind} brings something else after the trouble is over")


def _judge(case: Trouble, fault: VendorFault, kind: str) -> None:
    told = sorted(case.told_as)
    demand(fault.disposition in case.told_as, f"the {kind} is told as {fault.disposition}, it must be one of {told}")
    counts = fault.counts_against_breaker
    demand(case.away is None or counts is case.away, f"the {kind} counts against the breaker: {counts}")
    if case.waits_at_least is not None:
        wait = fault.retry_after
        fits = wait is not None and case.waits_at_least <= wait <= _LONGEST_WAIT_S
        demand(fits, f"the {kind} must wait {case.waits_at_least:g} s or more, told was {wait}")


async def refusal(bench: Bench, read: Read, kind: str) -> tuple[VendorFault, list[Row]]:
    """Return the VendorFault of a read that must fail, and the calls it made; nothing secret may stand in it."""
    before = len(await bench.calls())
    try:
        await read()
    except VendorFault as fault:
        _is_silent(bench, fault)
        return fault, await bench.calls(before)
    except Exception as error:
        raise Finding(f"the {kind} ends in {type(error).__name__}, not in a VendorFault") from error
    raise Finding(f"the {kind} went well although the vendor was in trouble")


def _is_silent(bench: Bench, fault: VendorFault) -> None:
    text = "".join([*traceback.format_exception(fault), str(fault), repr(fault), fault.where, fault.remedy])
    secret = {bench.credentials[key] for key in bench.spec.secret_credentials if bench.credentials.get(key)}
    demand(not any(one in text for one in secret), "a fault repeats a credential")


async def expired_once(bench: Bench) -> str:
    """A token that dies between pages costs one refresh and loses no record."""
    made = await burst(bench, bench.stream.page_size + 10)
    window = await bench.recent()
    first = await bench.connector.pull(RESERVATIONS, window, None)
    path = (await bench.calls())[-1]["path"]
    if not await bench.holds_tokens():
        raise NotDeclared("the login is one for ever: no token is kept, none is renewed")
    demand(first.next is not None, "the list has one page")
    await bench.faults({"kind": "expire_token", "times": 1, "match": {"path": path}})
    before = len(await bench.calls())
    second = await bench.connector.pull(RESERVATIONS, window, first.next)
    seen = await bench.calls(before)
    pages = [await bench.whole(page) for page in (first, second)]
    lost = await expected(bench, made) - stays_of(bench, records(pages))
    demand(not lost, f"{len(lost)} records were lost around the refresh")
    repeats = sum(call["path"] == path for call in seen)
    demand(repeats == 2, f"the page was asked {repeats} times around one refresh")  # noqa: PLR2004 - refused, then answered
    demand(len(seen) - repeats == 1, f"one expired token cost {len(seen) - repeats} further calls instead of one")
    return f"{len(seen)} calls"


async def unauthorized_for_ever(bench: Bench) -> str:
    """A 401 that stays pauses the account after a few calls, whether one path is refused or everything."""
    reads, told = await _reads(bench), []
    usual = {kind: await _cost(bench, read) for kind, (read, _) in reads.items()}
    for everything in (False, True):
        for kind, (read, _) in reads.items():
            calls, path = usual[kind]
            match = {} if everything else {"path": path}
            await bench.faults({"kind": "status", "status": 401, "match": match})
            fault, seen = await refusal(bench, read, kind)
            demand(fault.disposition is PAUSE, f"a lasting 401 is told as {fault.disposition}, not as {PAUSE}")
            demand(not fault.counts_against_breaker, "a 401 counts as the vendor being away")
            most = max(_MOST_CALLS_FOR_A_DEAD_TOKEN, calls + _TO_UNDERSTAND_IT)
            demand(len(seen) <= most, f"a lasting 401 was answered with {len(seen)} calls, {most} are enough")
            told.append(len(seen))
    return f"calls: {told}"
