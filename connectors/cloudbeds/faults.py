"""What Cloudbeds' refusals mean: `success: false` inside HTTP 200 is the normal form of failure.

Messages are told apart by stable fragments; whatever is not in the table is permanent for this request.
Sections are those of vendors/cloudbeds.md.
"""

from __future__ import annotations

from connectors.cloudbeds import wire
from connectors.kit import rest
from connectors.kit.auth import CredentialsRefused
from pms_sync.domain.errors import Disposition


class ScopeMissing(rest.Forbidden):
    """The credential does not carry the scope of this call."""

    advice = "make a new key, or connect again, with that scope: none is ever added to an existing one"


class ConsentLost(CredentialsRefused):
    """Whoever allowed the connection is no longer active at the property."""

    advice = "let an active user of the property connect again"


class PropertyClosed(rest.Forbidden):
    """The property's own account at Cloudbeds is closed."""

    advice = "pause or remove this account; the property no longer uses Cloudbeds"


class NotCovered(rest.Forbidden):
    """The credential belongs to another property."""

    advice = "correct the property ref, or enter credentials of this property"


class Degraded(rest.Forbidden):
    """A stream that the credential may not read; the others of the account go on (CB-04)."""

    how = Disposition.ABORT
    advice = ScopeMissing.advice


# 4
_BY_FRAGMENT: tuple[tuple[str, type[rest.CallFault]], ...] = (
    ("not granted", ScopeMissing),
    ("not active anymore", ConsentLost),
    ("have an invalid status", PropertyClosed),
    ("match the access_token user's property", NotCovered),
    ("rate limit", rest.Limited),
)


def is_scope(fault: rest.Forbidden) -> bool:
    """Tell a scope that lacks, which concerns one call, from what stands in the way of all of them.

    403 is described for it too (4).
    """
    return type(fault) in {ScopeMissing, rest.Forbidden}


def check_verdict(answer: rest.Answer, request: rest.Request) -> rest.Answer:
    """Return an answer that says success with a real boolean; raises the CallFault that it stands for otherwise."""
    told = rest.read(wire.VERDICT, answer, request.where).success
    if told is True:
        return answer
    if told is not False:
        what = "the answer does not say whether it is a success"
        raise rest.Refused(what, request.where, status=answer.status)
    said = rest.vendor_words(answer.body, request)
    fault = kind_of(said)
    wait = (rest.retry_after(answer.headers) or rest.USUAL_WAIT_S) if fault is rest.Limited else None
    what = f"refused: {said or 'no reason given'}"
    # 4: the vendor's own word that it was not done
    raise fault(what, request.where, retry_after=wait, status=answer.status, sent=False)


def kind_of(words: str) -> type[rest.CallFault]:
    """Say what a message means."""
    lowered = words.lower()
    return next((fault for fragment, fault in _BY_FRAGMENT if fragment in lowered), rest.Refused)
