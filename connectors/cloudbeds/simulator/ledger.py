"""The ledger of the accounting module: append-only rows, read by filters with an anchor (vendors/cloudbeds.md 10.8).

What is on bills is posted as it comes; a changed or removed line is a further row tied to the first by its ids.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from operator import ge, gt, le, lt
from types import MappingProxyType

from connectors.cloudbeds.simulator.refusals import Refused
from connectors.cloudbeds.simulator.site import Place
from connectors.cloudbeds.simulator.times import local
from connectors.kit.simulator.contract import Row

PATH = "/accounting/v1.0/transactions"
SCOPE = "read:payment"
USUAL, MOST = 100, 1100
_KINDS = {"items": ("4000", "ITEM", 1), "payments": ("9000", "PAYMENT", -1)}
_FIELDS = MappingProxyType(
    {
        "id": "id",
        "transaction_datetime": "transactionDatetime",
        "created_at": "transactionDatetime",
        "service_date": "serviceDate",
        "business_date": "businessDate",
        "parent_id": "parentId",
        "source_id": "sourceId",
        "source_kind": "sourceKind",
        "source_identifier": "sourceIdentifier",
        "external_relation_id": "externalRelationId",
        "external_relation_kind": "externalRelationKind",
        "customer_id": "customerId",
        "internal_code": "internalTransactionCode",
    }
)
_ANCHORS = (
    {"id"},
    {"source_id", "source_kind"},
    {"external_relation_id", "external_relation_kind"},
    {"transaction_datetime"},
    {"created_at"},
)
_COMPARED: Mapping[str, Callable[[str, str], bool]] = MappingProxyType(
    {"greater_than": gt, "greater_than_or_equal": ge, "less_than": lt, "less_than_or_equal": le}
)


def posted(home: Place, old: Row | None, new: Row, now: str) -> Iterator[Row]:
    """Post what a change of a booking does to its bill."""
    for name in _KINDS:
        before = {one["id"]: one for one in (old[name] if old else [])}
        after = {one["id"]: one for one in new[name]}
        for key, one in after.items():
            if key not in before:
                yield _row(home, new, name, one, one["amount"], one["_at"])
            elif one["amount"] != before[key]["amount"]:
                yield _row(home, new, name, one, one["amount"] - before[key]["amount"], now, parent=key)
        for key in before.keys() - after.keys():
            yield _row(home, new, name, before[key], -before[key]["amount"], now, parent=key)


def answer(rows: list[Row], body: object) -> Row:
    """Answer one page of the ledger; raises Refused 400 for a filter that cannot be read or has no anchor."""
    asked = body if isinstance(body, dict) else {}
    filters = asked.get("filters")
    if not isinstance(filters, dict):
        raise _refused("filters is required")
    named = set(_named(filters))
    if not any(anchor <= named for anchor in _ANCHORS):
        raise _refused("at least one anchor filter is required")
    limit, token = asked.get("limit", USUAL), str(asked.get("pageToken") or "0")
    if not isinstance(limit, int) or not 0 < limit <= MOST or not token.isdecimal():
        raise _refused("limit or pageToken is invalid")
    found = [row for row in rows if _fits(row, filters)]
    found.sort(key=lambda row: str(row["createdAt"]), reverse=_falling(asked.get("sort")))
    start = int(token)
    more = {"nextPageToken": str(start + limit)} if start + limit < len(found) else {}
    return {"transactions": found[start : start + limit], **more}


def _row(  # noqa: PLR0913 - a row of the ledger is wide
    home: Place, booking: Row, name: str, one: Row, amount: Decimal, at: str, *, parent: str | None = None
) -> Row:
    """Write a row; amounts are in the smallest unit, and what lowers the balance is negative."""
    code, relation, sign = _KINDS[name]
    wall = local(at, home.zone)
    told = {
        "id": one["id"] if parent is None else f"{parent}-{at}",
        "propertyId": home.id,
        "internalTransactionCode": code,
        "amount": int(sign * amount / home.quantum),
        "currencyScale": -int(home.quantum.as_tuple().exponent),
        "currency": home.site.currency,
        "customerId": booking["mainGuest"],
        "rootId": parent or one["id"],
        "sourceId": f"9{booking['mainGuest']}",
        "sourceKind": "RESERVATION",
        "sourceIdentifier": booking["reservationID"],
        "externalRelationId": one["id"],
        "externalRelationKind": relation,
        "quantity": 1,
        "description": one["text"],
        "userId": "1001",
        "sourceDatetime": at,
        "transactionDatetime": at,
        "transactionDatetimePropertyTime": wall.replace(" ", "T"),
        "serviceDate": wall[:10],
        "businessDate": wall[:10],
        "createdAt": at,
    }
    return told if parent is None else {**told, "parentId": parent}


def _named(filters: Row) -> Iterator[str]:
    """Walk the fields that a tree of filters names, where they bind all rows."""
    for one in filters.get("and") or []:
        yield from _named(one) if isinstance(one, dict) else ()
    if "field" in filters:
        yield str(filters["field"])


def _fits(row: Row, rule: Row) -> bool:
    for word, judge in (("and", all), ("or", any)):
        if isinstance(rule.get(word), list):
            return judge(_fits(row, one) for one in rule[word] if isinstance(one, dict))
    column = _FIELDS.get(str(rule.get("field")))
    if column is None:
        raise _refused(f"unknown field {rule.get('field')}")
    return _judged(row.get(column), str(rule.get("operator")), rule.get("value"))


def _judged(held: object, word: str, value: object) -> bool:
    if word in _COMPARED:
        return held is not None and _COMPARED[word](str(held), str(value))
    several = {str(one) for one in value} if isinstance(value, list) else {str(value)}
    known: dict[str, bool] = {
        "equals": str(held) == str(value),
        "not_equals": str(held) != str(value),
        "in": str(held) in several,
        "not_in": str(held) not in several,
        "contains": str(value) in str(held),
        "not_contains": str(value) not in str(held),
        "is_null": held is None,
        "not_null": held is not None,
    }
    if word not in known:
        raise _refused(f"unknown operator {word}")
    return known[word]


def _falling(sort: object) -> bool:
    first = sort[0] if isinstance(sort, list) and sort else {}
    return isinstance(first, dict) and first.get("direction") == "desc"


def _refused(message: str) -> Refused:
    return Refused(400, {"message": message})
