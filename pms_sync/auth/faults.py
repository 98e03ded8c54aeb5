"""Faults of signing in; what they say is the same for every cause that a stranger must not tell apart."""

from __future__ import annotations

from math import ceil

from pms_sync.auth.roles import Action, Person, Resource
from pms_sync.domain.errors import Fault


class Refused(Fault):
    """Nobody was recognised: unknown, wrong or disabled, which sound alike."""

    def __init__(self, what: str = "the e-mail or the password is not right") -> None:
        """Say only what a stranger may know."""
        super().__init__(what, "", "check both, or ask who runs pms-sync here for a new password")


class TooSoon(Fault):
    """Come again after `retry_s` seconds (whole, at least one)."""

    def __init__(self, wait_s: float) -> None:
        """Round the wait up."""
        self.retry_s = max(1, ceil(wait_s))
        super().__init__("too many attempts", "", f"try again in {self.retry_s} s")


class Denied(Fault):
    """A person whose role does not include what they asked for."""

    def __init__(self, person: Person, action: Action, resource: Resource) -> None:
        """Keep who, what and on what for the audit log."""
        super().__init__(
            f"the role {person.role} may not {action} {resource}".replace("_", " "),
            "",
            "ask an administrator of your hotel",
        )
        self.person, self.action, self.resource = person, action, resource
