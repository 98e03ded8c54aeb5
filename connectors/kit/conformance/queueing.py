"""Rules of queues that hand out once: what comes is about objects that a fetch brings, and a lost answer is told."""

from __future__ import annotations

from connectors.kit.conformance.bench import RESERVATIONS, Bench
from connectors.kit.conformance.evidence import Finding, NotDeclared, demand
from connectors.kit.conformance.failing import refusal
from connectors.kit.conformance.looking import expected, stays_of
from pms_sync.domain.errors import MappingRejected
from pms_sync.ports.connector import Record
from pms_sync.ports.queue import Queue

_MOST_BODIES = 100
_NONSENSE = (b"", b"null", b"[]", b"{}", b"7", b"{", b"\xff\xfe", b"\x00", b"[" * 5000, b'{"a":' * 5000, b"<a/>")


async def names_the_object(bench: Bench) -> str:
    """A change that is told through the queue names an object that a fetch brings, as it is now."""
    queue, stream = _queue(bench)
    await _emptied(queue, stream)
    reservation = await bench.book()
    await bench.change("modify", silent=False, ref=reservation, set={"notes": "news"})
    bodies = await _emptied(queue, stream)
    demand(bodies, "a change is told by no message")
    events = [event for body in bodies for event in queue.queue.read(body).events]
    streams = {one.name for one in bench.spec.streams}
    demand({event.stream for event in events} <= streams, "a message names a stream that the spec does not declare")
    refs = [event.ref for event in events if event.stream == RESERVATIONS]
    found = [one for one in (await bench.fetch(refs)).values() if isinstance(one, Record)]
    demand(await expected(bench, [reservation]) & stays_of(bench, found), "no message names the changed reservation")
    places = {event.property_ref for event in events} - {None}
    demand(places <= {bench.place["ref"]}, f"messages of property {bench.place['ref']} name {places}")
    return f"{len(events)} events in {len(bodies)} bodies"


async def hands_out_once(bench: Bench) -> str:
    """What was taken is gone, an empty queue says so, and its reader tells that more may be waiting."""
    queue, stream = _queue(bench)
    await _emptied(queue, stream)
    ref = await bench.book()
    for number in range(45):
        await bench.change("modify", silent=False, ref=ref, set={"notes": f"news {number}"})
    told = [queue.queue.read(body) for body in await _emptied(queue, stream)]
    demand(len(told) > 1, "45 messages came in one body")
    demand(all(one.full for one in told[:-1]), "a body before the last does not tell that more is waiting")
    demand(await queue.drain(stream) is None, "an empty queue is not told as empty")
    return f"{sum(one.messages for one in told)} messages in {len(told)} bodies"


async def lost_answer_is_told(bench: Bench) -> str:
    """An answer that is dropped after the messages left the queue says so, and is not asked for again."""
    queue, stream = _queue(bench)
    await _emptied(queue, stream)
    await bench.change("modify", silent=False, ref=await bench.book(), set={"notes": "lost"})
    path = (await bench.seen_during(lambda: queue.drain(stream)))[-1]["path"]
    await bench.change("modify", silent=False, ref=await bench.book(), set={"notes": "lost"})
    await bench.faults({"kind": "drop_after", "match": {"path": path}})
    fault, seen = await refusal(bench, lambda: queue.drain(stream), "queue")
    demand(fault.sent, "a lost answer is told as one that cost nothing")
    demand(len(seen) == 1, f"the queue was asked {len(seen)} times: what is lost is lost")
    return fault.what


async def nonsense(bench: Bench) -> str:
    """Whatever a body is, reading it ends in messages or in MappingRejected."""
    queue, _ = _queue(bench)
    for body in _NONSENSE:
        try:
            queue.queue.read(body)
        except MappingRejected:
            continue
        except Exception as error:
            raise Finding(f"{body[:20]!r} ends in {type(error).__name__}, not in MappingRejected") from error
        raise Finding(f"{body[:20]!r} is read as if it held messages")
    return f"{len(_NONSENSE)} bodies of nonsense"


def _queue(bench: Bench) -> tuple[Queue, str]:
    stream = next((one.name for one in bench.spec.streams if one.feed == "queue"), None)
    if stream is None:
        raise NotDeclared("not declared: a queue")
    connector: object = bench.connector
    if not isinstance(connector, Queue):
        raise Finding("the spec declares a queue, and the connector cannot drain one")
    return connector, stream


async def _emptied(queue: Queue, stream: str) -> list[bytes]:
    bodies: list[bytes] = []
    while (body := await queue.drain(stream)) is not None:
        bodies.append(body)
        demand(len(bodies) < _MOST_BODIES, f"no end after {_MOST_BODIES} bodies")
    return bodies
