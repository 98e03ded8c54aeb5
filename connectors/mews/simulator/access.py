"""Integrations and their tokens: one per property, and one over all of them where there are several.

Source: vendors/mews.md 2 and 12.2.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from connectors.kit.simulator.contract import Row
from connectors.mews.simulator.ids import fixed
from connectors.mews.simulator.refusals import VendorRefusal, invalid

ACTIONS = frozenset(
    """
    IntegrationCreated IntegrationEnabled IntegrationDisabled IntegrationCanceled IntegrationReinstated
    IntegrationDeleted IntegrationApiKeyCreated
    """.split()
)
# A canceled integration works until its end, and nothing tells when that is (mews.md 12.2).
_LIVING = {
    "IntegrationCreated": True,
    "IntegrationEnabled": True,
    "IntegrationReinstated": True,
    "IntegrationDisabled": False,
    "IntegrationDeleted": False,
}
NAME = "PMS Sync"
_HALF = 31


@dataclass(frozen=True)
class Integration:
    """Our application at one property, or at all properties of a portfolio."""

    id: str
    enterprise_ids: tuple[str, ...]
    token: str
    alive: bool = True


class Access:
    """Checks the tokens of a request's body; both are opaque texts that never expire by themselves."""

    def __init__(self, seed: int, enterprise_ids: Sequence[str]) -> None:
        """Connect every property; `current` names the integration whose token the credentials show."""
        self._seed, self._made = seed, 0
        self.client_token = self._token(fixed("client", seed))
        self._all: dict[str, Integration] = {}
        for one in enterprise_ids:
            self._connect(fixed("integration", seed, one), (one,))
        if len(enterprise_ids) == 1:
            self.current = fixed("integration", seed, enterprise_ids[0])
        else:
            self.current = fixed("integration", seed, "portfolio")
            self._connect(self.current, tuple(enterprise_ids))

    def credentials(self) -> dict[str, str]:
        """Return the pair of tokens valid now."""
        return {"client_token": self.client_token, "access_token": self._all[self.current].token}

    def integration(self, ref: object) -> Integration | None:
        """Return an integration by its own id, or that of a single property by the property's."""
        alone = (one for one in self._all.values() if one.enterprise_ids == (ref,))
        return self._all.get(str(ref)) or next(alone, None)

    def check(self, body: Row) -> Integration:
        """Return the living integration of the tokens; raises VendorRefusal."""
        if body.get("ClientToken") != self.client_token:
            raise VendorRefusal(401, "Invalid ClientToken.")
        found = next((one for one in self._all.values() if one.token == body.get("AccessToken")), None)
        if found is None:
            raise VendorRefusal(401, "Invalid AccessToken.")
        if not found.alive:
            raise VendorRefusal(401, "The integration is disabled.")
        if not isinstance(body.get("Client"), str) or not body["Client"]:
            raise invalid("Client")
        return found

    def act(self, action: str, integration: Integration) -> Integration:
        """Let something happen to an integration; a created key replaces the old one at once."""
        fresh = replace(integration, alive=_LIVING.get(action, integration.alive))
        if action == "IntegrationApiKeyCreated":
            fresh = replace(fresh, token=self._token(fresh.id))
        self._all[fresh.id] = fresh
        return fresh

    def renew_keys(self) -> list[Integration]:
        """Make every access token worthless by giving each integration a new one."""
        return [self.act("IntegrationApiKeyCreated", one) for one in list(self._all.values())]

    def _connect(self, integration_id: str, enterprise_ids: tuple[str, ...]) -> None:
        self._all[integration_id] = Integration(integration_id, enterprise_ids, self._token(integration_id))

    def _token(self, owner: str) -> str:
        """Return 32 hex digits, a dash and 31 more; the first half is the integration's id."""
        self._made += 1
        rest = hashlib.sha256(f"{self._seed}/{owner}/{self._made}".encode()).hexdigest()[:_HALF]
        return f"{UUID(owner).hex}-{rest}".upper()
