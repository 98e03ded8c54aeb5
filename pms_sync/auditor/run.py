"""The audit: one snapshot of the store, every family of checks, one verdict per invariant."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from pms_sync.auditor import bill, inventory, lifecycle, politeness, probes, progress, secrecy, store, trace, truth
from pms_sync.auditor.books import Books
from pms_sync.auditor.matching import match, stored_counts
from pms_sync.auditor.report import Audit, Checked, Counts, Difference, Finding, VendorAudit, difference, verdicts
from pms_sync.auditor.store import Store
from pms_sync.auditor.truth import Truth
from pms_sync.auditor.witness import Witness

_NO_WITNESS = Witness()


async def audit(
    dsn: str,
    truths: Mapping[str, Mapping[str, Any]],
    witness: Witness = _NO_WITNESS,
    *,
    properties: Mapping[str, Collection[str]] | None = None,
) -> Audit:
    """Compare the store with the truth documents by vendor, and judge I1 to I15.

    Only properties that an account of the store watches are compared, and of a vendor named in `properties` only those
    listed. Ask when sources are quiet: work under way shows as differences. Connects as the owner of the database and
    writes nothing. Raises Unavailable when the database is away, and Fault when a truth document has another shape.
    """
    read = {vendor: truth.read(vendor, document) for vendor, document in truths.items()}
    async with store.snapshot(dsn) as connection:
        found = await store.read(connection)
        asked = [await probes.check(connection, found), await secrecy.check(connection, witness)]
    return _judge(found, read, witness, asked, properties or {})


def _judge(
    found: Store,
    truths: Mapping[str, Truth],
    witness: Witness,
    asked: Iterable[Checked],
    properties: Mapping[str, Collection[str]],
) -> Audit:
    books = Books(found)
    matched = {
        vendor: [match(one, books) for one in truth.watch(told, _of(vendor, books), properties.get(vendor))]
        for vendor, told in truths.items()
    }
    nows = {vendor: told.now for vendor, told in truths.items()}
    families = [
        *asked,
        bill.reversals(found, books),
        inventory.check(found, books),
        trace.check(found),
        lifecycle.check(found, books),
        progress.check(found, books, nows),
        politeness.check(witness),
        _testimony(found, witness),
        _outbox(found, books, {one.account.account_id for all_ in matched.values() for one in all_}),
    ]
    exercised = {name for family in families for name in family.exercised}
    exercised |= {name for all_ in matched.values() for one in all_ for name in one.exercised}
    findings = [finding for family in families for finding in family.findings]
    findings += [(vendor, one) for vendor, all_ in matched.items() for each in all_ for one in each.differences]
    return _audit(exercised, findings, matched)


def _of(vendor: str, books: Books) -> list[truth.Account]:
    return [account for account in books.accounts if account.vendor == vendor]


def _audit(exercised: set[str], findings: list[Finding], matched: Mapping[str, list[Any]]) -> Audit:
    """Lay every difference where it belongs: beside its vendor's counts, or with those that are nobody's."""
    about: defaultdict[str | None, list[Difference]] = defaultdict(list)
    for vendor, one in findings:
        about[vendor if vendor in matched else None].append(one)
    vendors = {
        vendor: VendorAudit(
            truth=sum((one.watched.counts for one in all_), Counts()),
            store=sum((stored_counts(one.watched, one.books) for one in all_), Counts()),
            differences=tuple(about[vendor]),
            parked=sum(one.parked for one in all_),
            vanished=sum(one.vanished for one in all_),
        )
        for vendor, all_ in matched.items()
    }
    return Audit(
        invariants=verdicts(exercised, (one for _, one in findings)),
        vendors=vendors,
        differences=tuple(about[None]),
    )


def _outbox(found: Store, books: Books, watched: Collection[object]) -> Checked:
    """Demand that nothing of ours is still on its way (I4)."""
    waiting = [row for row in found.outbox if row["account_id"] in watched]
    return Checked(
        findings=tuple(
            (
                books.vendors[row["account_id"]],
                difference("I4", row["vendor_ref"] or row["intent_id"], "outbox", there="settled", here=row["state"]),
            )
            for row in waiting
        )
    )


def _testimony(found: Store, witness: Witness) -> Checked:
    """Hold the store against what the caller saw: acknowledged webhooks, a replay, effects at the vendor."""
    kept = {row["vendor"]: row["number"] for row in found.deliveries}
    findings: list[Finding] = [
        (vendor, difference("I1", "webhooks", "deliveries", there=number, here=kept.get(vendor, 0)))
        for vendor, number in witness.acked.items()
        if kept.get(vendor, 0) < number
    ]
    for vendor, shown in witness.effects.items():
        findings += [
            (vendor, difference("I6", intent, "effects", there=1, here=times))
            for intent, times in shown.items()
            if times != 1
        ]
    if witness.replay is not None and witness.replay[0] != witness.replay[1]:
        before, after = witness.replay
        findings.append((None, difference("I13", "store", "hash", there=before, here=after)))
    told = {
        "I1": any(witness.acked.values()),
        "I6": any(witness.effects.values()),
        "I13": witness.replay is not None,
    }
    return Checked(frozenset(name for name, given in told.items() if given), tuple(findings))
