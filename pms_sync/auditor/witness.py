"""What only the caller saw: answers given, calls made, cards planted, lines logged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec


class Witness(msgspec.Struct, frozen=True, kw_only=True):
    """Evidence from outside the store; whatever is left out leaves its invariant not exercised.

    `acked` counts the distinct webhooks per vendor that were answered with 2xx, `calls` holds the items of
    `/_sim/calls`, `rate` is (credits, window in seconds). `canaries` are planted card numbers, which may stand nowhere;
    `secrets` may stand neither in the store nor in the logs. `opened_bodies` are raw records as unsealed by the
    caller, `replay` the store's hash before and after a replay, and `effects` says per vendor how often its ledger
    shows each intent.
    """

    acked: Mapping[str, int] = {}
    calls: Mapping[str, Sequence[Mapping[str, Any]]] = {}
    max_in_flight: Mapping[str, int] = {}
    rate: Mapping[str, tuple[float, float]] = {}
    canaries: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    logs: str = ""
    opened_bodies: Sequence[bytes] = ()
    replay: tuple[str, str] | None = None
    effects: Mapping[str, Mapping[str, int]] = {}
