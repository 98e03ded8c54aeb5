"""What a person writes to Mews so that webhooks come (vendors/mews.md 12.1)."""

from __future__ import annotations

from connectors.mews.facts import EVENTS, SECRET_QUERY


def manual(url: str) -> str:
    """Tell what to ask Mews for; the secret itself is shown with the door, not here."""
    return (
        f"Mews registers webhooks by mail: ask its Partner Success team to send the general webhook of your client to"
        f" {url}?{SECRET_QUERY}=<secret of the door>, with the events {', '.join(EVENTS)}. It is one address for all"
        " properties of the client, so it replaces any other; until it is registered, and for whatever Mews gives up"
        " sending, the poll brings the changes"
    )
