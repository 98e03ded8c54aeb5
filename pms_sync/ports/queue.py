"""The plugin contract of queues that hand each message out once: who takes from one, and who reads what was taken."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import msgspec

from pms_sync.ports.connector import RejectedRow, VendorEvent


class Drained(msgspec.Struct, frozen=True, kw_only=True):
    """What the messages of one drained body come to; `messages` is how many there were.

    `sweep` names streams in which something changed that no ref names; `rejected` are messages that cannot be read,
    which counts as such a change in each of the queue's streams. `full` says that more may be waiting.
    """

    messages: int
    events: tuple[VendorEvent, ...] = ()
    sweep: frozenset[str] = frozenset()
    rejected: tuple[RejectedRow, ...] = ()
    full: bool = False


class QueueReader(Protocol):
    """The pure half: what a body that was drained, and stored, is about.

    `streams` are those that its messages are about; each can be listed as a whole, which makes up for lost messages.
    """

    streams: frozenset[str]

    def read(self, body: bytes) -> Drained:
        """Say which objects the messages are about; raises MappingRejected when the body is no list of messages."""
        ...


@runtime_checkable
class Queue(Protocol):
    """What a connector is beside `Connector` where a stream's feed is `queue`.

    One account has one queue: nobody else may take from it, since what he is given, nobody is given again.
    """

    queue: QueueReader

    async def drain(self, stream: str) -> bytes | None:
        """Take what waits: the body as it came, for the caller to commit before anybody decodes it; None when empty.

        Raises VendorFault; one whose `sent` is true may have cost messages.
        """
        ...
