"""Said: what a page tells somebody when it cannot show what they asked for, and the failures that bring it along."""

from __future__ import annotations

from typing import NamedTuple

from aiohttp import web


class Said(NamedTuple):
    """What happened, what it means, what to do; `link` is where to go on, with its label."""

    title: str
    meaning: str
    remedy: str
    command: str | None = None
    link: tuple[str, str] = ("/health", "Health board")


class NotHere(web.HTTPNotFound):
    """A page about one thing that is not there; says which kind of thing and what to do."""

    def __init__(self, title: str, meaning: str, remedy: str, link: tuple[str, str] | None = None) -> None:
        """Keep the sentences for the page, and where to go on."""
        super().__init__()
        said = Said(title, meaning, remedy)
        self.said = said if link is None else said._replace(link=link)


class NotAllowed(web.HTTPForbidden):
    """Somebody known who may not; by default because their role does not include it."""

    def __init__(self, said: Said | None = None) -> None:
        """Keep the sentences for the page."""
        super().__init__()
        self.said = said or _NOT_YOURS


class NotFromHere(web.HTTPForbidden):
    """A form that carries no valid secret, or was sent by another site; nothing was changed."""

    said = Said(
        "Nothing was changed",
        "What was sent did not come from an open page of this site: it is too old, or another site sent it.",
        "Go back, load the page again, and send it once more.",
    )


class SignedOut(web.HTTPUnauthorized):
    """A form from somebody whose session has ended; nothing was changed."""

    said = Said(
        "You are signed out",
        "The session has ended, so nothing was changed.",
        "Sign in in another tab, go back here, load the page again, and send it once more.",
        link=("/login", "Sign in"),
    )


_NOT_YOURS = Said(
    "Your role does not include this",
    "You are signed in, and what you may do here is settled by your role.",
    "If you need it for your work, ask an administrator of your hotel.",
    link=("/", "Begin page"),
)
