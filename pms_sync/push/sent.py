"""Sent: what was handed to a vendor for one intent, kept sealed to be found again, compared and not sent twice."""

from __future__ import annotations

from typing import Any

import msgspec

from conflict.atoms import Value, frozen
from pms_sync.domain.reservation import Revision
from pms_sync.ports.connector import VendorRequest
from pms_sync.store.intents import Intent, place
from pms_sync.store.sealing import KeyRing


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One request with the state it was made of.

    `values` are the atoms it carries, `before` what the vendor showed at the same paths; `refs` are the vendor objects
    it touched, once that is known.
    """

    request: VendorRequest
    wanted: Revision
    values: dict[str, Any]
    before: dict[str, Any]
    refs: tuple[str, ...] = ()

    def value(self, path: str) -> Value | None:
        """Return what was sent at a path."""
        found: Value | None = frozen(self.values.get(path))
        return found

    def was(self, path: str) -> Value | None:
        """Return what the vendor showed at a path before."""
        found: Value | None = frozen(self.before.get(path))
        return found

    @property
    def ref(self) -> str | None:
        """Return the vendor object to read back, None where it is not known yet."""
        return self.request.ref or next(iter(self.refs), None)


class Sent(msgspec.Struct, frozen=True):
    """Everything that was handed over for one intent, in its order."""

    items: tuple[Item, ...] = ()

    @property
    def refs(self) -> tuple[str, ...]:
        """Return the vendor objects that are known to be touched."""
        return tuple(dict.fromkeys(item.ref for item in self.items if item.ref is not None))


def seal(keys: KeyRing, intent: Intent, sent: Sent) -> bytes:
    """Seal it for its intent."""
    return keys.seal(intent.tenant_id, place(intent.intent_id), msgspec.msgpack.encode(sent))


def unseal(keys: KeyRing, intent: Intent) -> Sent:
    """Open what was sent for an intent; nothing where nothing was."""
    if intent.request is None:
        return Sent()
    return msgspec.msgpack.decode(keys.open(intent.tenant_id, place(intent.intent_id), intent.request), type=Sent)
