"""Access tokens, made once and shared: one refresh at a time, in this process and across all of them.

The loser of a race reads what the winner stored. What the vendor hands out is stored before it is used, even when
the caller who asked for it has given up meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from connectors.kit.rest import CallFault
from pms_sync.domain.errors import Disposition
from pms_sync.ports.connector import TokenStore

ACCESS, EXPIRES, REFRESH = "access_token", "expires_at", "refresh_token"
_MARGIN = timedelta(minutes=5)
_MARGIN_SHARE = 10
_SHORTEST_LIFE = timedelta(seconds=30)


class CredentialsRefused(CallFault):
    """The vendor does not take the credentials themselves; only a person can heal that."""

    how, lands = Disposition.PAUSE, False
    advice = "enter new credentials for this account"


class Way(msgspec.Struct, frozen=True):
    """One way to a new token: the kind of credential, and its secret."""

    kind: str
    secret: str


class Grant(msgspec.Struct, frozen=True):
    """What a vendor handed out; `refresh` only when it gave a new one."""

    access: str
    lifetime_s: float
    refresh: str | None = None


Mint = Callable[[Way], Awaitable[Grant]]


class AccessTokens:
    """The tokens of one account.

    `mint` makes one call and raises CredentialsRefused only when the vendor refused that secret; any other failure
    leaves the credentials alone. Ways are tried in healing order: the stored refresh token, then `order` from the
    account's credentials, then a person is asked.
    """

    def __init__(
        self,
        store: TokenStore,
        mint: Mint,
        credentials: Mapping[str, str],
        order: Sequence[str],
        now: Callable[[], datetime],
    ) -> None:
        """Open nothing yet; `now` gives UTC."""
        self._store, self._mint, self._credentials, self._order, self._now = store, mint, credentials, order, now
        self._held: Mapping[str, str] = {}
        self._flight: asyncio.Task[str] | None = None

    async def current(self) -> str:
        """Return a token that should be valid, making one only when there is none."""
        return self._held[ACCESS] if self._is_usable(self._held, None) else await self._join(None)

    async def renewed(self, stale: str) -> str:
        """Return another token than `stale`, which the vendor did not take; many callers cost one refresh."""
        for _ in range(2):  # the first flight to join may have been on its way before `stale` was known to be so
            if self._is_usable(self._held, stale):
                break
            await self._join(stale)
        return self._held[ACCESS]

    async def aclose(self) -> None:
        """Let a refresh that is under way come to its end, so that its tokens are not lost."""
        if self._flight is not None:
            with contextlib.suppress(Exception):
                await self._flight

    async def _join(self, stale: str | None) -> str:
        """Wait for the one refresh; giving up waiting does not stop it."""
        if self._flight is None or self._flight.done():
            self._flight = asyncio.create_task(self._refresh(stale))
            self._flight.add_done_callback(_seen)
        return await asyncio.shield(self._flight)

    async def _refresh(self, stale: str | None) -> str:
        async with self._store.refreshing():
            held = await self._store.load()
            self._held = held if self._is_usable(held, stale) else await self._heal(held, stale)
            return self._held[ACCESS]

    async def _heal(self, held: Mapping[str, str], stale: str | None) -> Mapping[str, str]:
        """Try each way once; after a refusal the store is read again, since another may have healed it meanwhile."""
        refusal = CredentialsRefused("there are no credentials to log in with", "log-in")
        tried: set[Way] = set()
        while way := next((way for way in self._ways(held) if way not in tried), None):
            tried.add(way)
            try:
                grant = await self._mint(way)
            except CredentialsRefused as fault:
                refusal = fault
                held = await self._store.load()
                if self._is_usable(held, stale):
                    return held
                continue
            fresh = {**held, **self._written(way, grant)}
            await self._store.save(fresh)
            return fresh
        raise refusal

    def _ways(self, held: Mapping[str, str]) -> Iterator[Way]:
        """List the ways in healing order."""
        if held.get(REFRESH):
            yield Way(REFRESH, held[REFRESH])
        yield from (Way(kind, self._credentials[kind]) for kind in self._order if self._credentials.get(kind))

    def _written(self, way: Way, grant: Grant) -> dict[str, str]:
        """Say what is stored of a grant; the old refresh token stays when no new one came."""
        life = max(timedelta(seconds=grant.lifetime_s), _SHORTEST_LIFE)
        ends = self._now() + life - min(_MARGIN, life / _MARGIN_SHARE)
        written = {ACCESS: grant.access, EXPIRES: ends.astimezone(UTC).isoformat()}
        refresh = grant.refresh or (way.secret if way.kind == REFRESH else "")
        return {**written, REFRESH: refresh} if refresh else written

    def _is_usable(self, held: Mapping[str, str], stale: str | None) -> bool:
        """Tell whether stored tokens hold one that lives and is not the one just refused."""
        access = held.get(ACCESS)
        if not access or access == stale:
            return False
        try:
            return self._now() < datetime.fromisoformat(held.get(EXPIRES, ""))
        except (ValueError, TypeError):
            return False


def _seen(flight: asyncio.Task[str]) -> None:
    """Take note of a failure that nobody waits for any more."""
    if not flight.cancelled():
        flight.exception()
