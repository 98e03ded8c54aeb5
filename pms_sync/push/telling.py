"""Telling: why a change did not get through, in the vendor's words where it has any, and without anybody's name.

What is told here is shown on pages and in the public view, so values that may say who somebody is are masked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from conflict.atoms import Value, atoms
from conflict.fields import is_personal, public_path, public_value
from pms_sync.domain.errors import MappingRejected, VendorFault
from pms_sync.domain.reservation import Revision
from pms_sync.ports.connector import Receipt
from pms_sync.push.comparing import Became, only
from pms_sync.push.sent import Item, Sent

PERSONAL = "(personal)"
_SHORTEST, _MOST_SHOWN = 3, 500
_PERSONAL_PATH = re.compile("booker|guest|name|mail|phone|note|comment|address|message")

NO_PUSH = "{label} takes no changes from us"
ABSENT = "the vendor no longer shows it: see the case about it"
NOT_SHOWN = "taken, but the vendor does not show it: look there whether it exists, then retry or cancel this push"
UNREAD = "what the vendor shows of it cannot be read here: see the parked records"
UNSURE = "its outcome is unknown: look at the vendor whether it took effect, then retry or cancel this push"
IN_VAIN = "sent {attempts} times, and the vendor never took it"
STUMBLED = "{kind}: this change cannot be sent; the log says more"
NOTHING_LEFT = "nothing was left to send: the vendor has it already, or the change was taken back"
PARKED_ALREADY = "the same values are parked with another push, and do not leave again by themselves"
NOT_THERE = "the vendor does not have the booking; a push that creates it carries this change too"
WAITS_FOR = "goes along with push {intent_id}, which may have made the booking already: retry or cancel that one"
DECIDED_MEANWHILE = "{path} was changed there meanwhile, and the merge has decided about it"


def rejected(fault: MappingRejected) -> str:
    """Tell what the mapper cannot say to the vendor: path, reason and value."""
    value = PERSONAL if _PERSONAL_PATH.search(fault.path) else fault.value
    return f"{fault.path}: {fault.why} ({value})"[:_MOST_SHOWN]


def refused(pairs: Iterable[tuple[Item, Receipt]]) -> str:
    """Tell the vendor's refusals in its words."""
    told = list(pairs)
    words = [_words(one.path, one.why) for _, receipt in told for one in receipt.refusals]
    return masked("; ".join(words), [item.wanted for item, _ in told])


def warned(pairs: Iterable[tuple[Item, Receipt]]) -> tuple[str, ...]:
    """Return the vendor's warnings."""
    return tuple(masked(text, [item.wanted]) for item, receipt in pairs for text in receipt.warnings)


def turned_away(fault: VendorFault, sent: Sent) -> str:
    """Tell why the vendor took nothing of a whole call."""
    return masked(fault.what, [item.wanted for item in sent.items])


def still_old(found: Iterable[tuple[Item, Mapping[str, Became]]]) -> str:
    """Tell each value that was taken but does not show, with the one that was sent."""
    lines = [_old(item, path) for item, seen in found for path in sorted(only(seen, Became.OLD))]
    return "; ".join(lines)[:_MOST_SHOWN]


def decided_meanwhile(found: Iterable[Mapping[str, Became]]) -> tuple[str, ...]:
    """Return one sentence for each value that became neither ours nor what it was."""
    paths = sorted({path for seen in found for path in only(seen, Became.OTHER)})
    return tuple(DECIDED_MEANWHILE.format(path=public_path(path)) for path in paths)


def masked(text: str, wanted: Iterable[Revision]) -> str:
    """Strike out of a text whatever of these states may say who somebody is."""
    for value in sorted(_personal(wanted), key=len, reverse=True):
        text = text.replace(value, PERSONAL)
    return text[:_MOST_SHOWN]


def _personal(wanted: Iterable[Revision]) -> set[str]:
    told = (value for one in wanted for path, value in atoms(one).items() if is_personal(path))
    return {text for value in told for text in _texts(value) if len(text) >= _SHORTEST}


def _texts(value: Value) -> Iterator[str]:
    if isinstance(value, str):
        yield value
        return
    yield from (part for part in value if isinstance(part, str))


def _words(path: str, why: str) -> str:
    return f"{path}: {why}" if path else why


def _old(item: Item, path: str) -> str:
    name = public_path(path)
    sides: Sequence[object] = (PERSONAL, PERSONAL)
    if not is_personal(path):
        sides = [public_value(path, value) for value in (item.was(path), item.value(path))]
    return f"{name} was taken, but is still {_shown(sides[0])} there, and not {_shown(sides[1])}"


def _shown(value: object) -> str:
    return "empty" if value is None else str(value)
