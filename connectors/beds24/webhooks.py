"""What the webhook settings of a property should become, given what is there; pure text (vendors/beds24.md 13.2)."""

from __future__ import annotations

from connectors.beds24.wire import SECRET_HEADER, Webhooks

VERSION, NO_EXTRAS = "twoWithPersonalData", "none"
_DOORS = "/webhooks/beds24/"
_LINE_END = "\r\n"


def desired(found: Webhooks, url: str, secret: str) -> Webhooks:
    """Return the settings that send to us once and to everybody else as before.

    Our own older doors go: lines under the same address and path as ours, up to the last slash, and lines that lead to
    a door with our token under whatever address this daemon had before; nobody else knows that token.
    """
    lines = [line for line in _lines(found.url) if not _is_own_door(line, url)]
    headers = [line for line in _lines(found.custom_header) if not _is_ours(line)]
    return Webhooks(
        version=VERSION,
        url=_LINE_END.join([*lines, url]),
        additional_data=found.additional_data if lines else NO_EXTRAS,
        custom_header=_LINE_END.join([*headers, f"{SECRET_HEADER}: {secret}"]),
    )


def is_same(found: Webhooks, wanted: Webhooks) -> bool:
    """Tell whether nothing needs to be written; how lines end does not matter."""
    return (
        found.version == wanted.version
        and _lines(found.url) == _lines(wanted.url)
        and _lines(found.custom_header) == _lines(wanted.custom_header)
        and (found.additional_data or NO_EXTRAS) == (wanted.additional_data or NO_EXTRAS)
    )


def warning(before: Webhooks, wanted: Webhooks) -> str | None:
    """Say what a person should know about the change; None when there is nothing."""
    told = []
    if (before.additional_data or NO_EXTRAS) != NO_EXTRAS:
        kept = (wanted.additional_data or NO_EXTRAS) != NO_EXTRAS
        what = "set it to none, or" if kept else "it was set to none, since"
        told.append(f"additional data of the webhook was {before.additional_data}: {what} card secrets travel along")
    others = len(_lines(wanted.url)) - 1
    if others and before.version != VERSION:
        told.append(f"the version changed from {before.version} to {VERSION} for {others} other receivers too")
    return "; ".join(told) or None


def manual(url: str, reason: str) -> str:
    """Tell a person what to enter by hand; the secret itself is shown with the door, not here."""
    return (
        f"{reason}. In Beds24 open the property's settings, Access, Booking Webhook: choose version 2 with personal"
        f" data, add the line {url} to the URL, add the line '{SECRET_HEADER}: <secret of the door>' to the custom"
        " header, and leave additional data at none"
    )


def _is_own_door(line: str, url: str) -> bool:
    place, _, token = url.rpartition("/")
    return line.startswith(f"{place}/") or line.partition("?")[0].rstrip("/").endswith(f"{_DOORS}{token}")


def _is_ours(line: str) -> bool:
    return line.partition(":")[0].strip().lower() == SECRET_HEADER.lower()


def _lines(text: str | None) -> list[str]:
    """Split into lines, each once, without the empty ones."""
    return list(dict.fromkeys(line.strip() for line in (text or "").splitlines() if line.strip()))
