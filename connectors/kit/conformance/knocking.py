"""Rules of the door: subscribed exactly once beside foreign receivers, who may knock, and what a knock is about."""

from __future__ import annotations

import msgspec

from connectors.kit.conformance.bench import RESERVATIONS, Bench
from connectors.kit.conformance.evidence import Finding, NotDeclared, demand
from connectors.kit.conformance.inbox import Inbox, listening
from connectors.kit.conformance.looking import expected, stays_of
from pms_sync.domain.errors import DeliveryRefused, MappingRejected
from pms_sync.ports.connector import Delivery, Door, Record, VendorEvent

OLD, NEW = "old-secret-0123456789abcdefghijkl", "new-secret-0123456789abcdefghijkl"
_OURS, _FOREIGN = "/webhooks/vendor/token-of-the-door", "/foreign/receiver"
_UNAUTHORIZED = 401
_MEGABYTE = 1 << 20
_NONSENSE = (b"", b"null", b"[]", b"{}", b"7", b"{", b"\xff\xfe", b"\x00", b"[" * 5000, b'{"a":' * 5000, b" " * 2000000)


async def subscribes_once(bench: Bench) -> str:
    """Subscribing twice sends each change to us once, with the newest secret, and to foreign receivers as before."""
    bench.need("webhooks")
    async with listening() as box:
        await bench.change("webhook_target", property_ref=bench.place["ref"], url=box.url + _FOREIGN, headers={})
        for secret in (OLD, NEW):
            told = await bench.connector.subscribe(box.url + _OURS, secret)
            demand(len(told) == 1, f"subscribing told of {len(told)} subscriptions")
            _not_manual(told[0].manual)
        await bench.change("modify", silent=False, ref=await bench.book(), set={"notes": "news"})
        await box.collect(lambda: bool(box.at(_OURS)))
        ours, foreign = box.at(_OURS), box.at(_FOREIGN)
        demand(len(ours) == 1, f"one change was sent to us {len(ours)} times after subscribing twice")
        demand(len(foreign) == 1, f"one change was sent to the foreign receiver {len(foreign)} times")
        _verify(bench, ours[0], [NEW], fits=True)
        _verify(bench, ours[0], [OLD], fits=False)
        writes = [call for call in await bench.calls() if call["method"] not in {"GET", "HEAD"}]
        await bench.connector.subscribe(box.url + _OURS, NEW)
        again = [call for call in await bench.calls() if call["method"] not in {"GET", "HEAD"}]
        demand(len(again) == len(writes), "subscribing what is subscribed already writes again")
    return "two times, beside a foreign receiver"


async def lets_in(bench: Bench) -> str:
    """A real delivery fits its own secret, also as the older of two valid ones."""
    delivery, _ = await _delivery(bench)
    for secrets in ([OLD], [NEW, OLD], [OLD, NEW]):
        _verify(bench, delivery, secrets, fits=True)
    return "alone, as the older and as the newer of two"


async def keeps_out(bench: Bench) -> str:
    """Wrong, retired, empty, cut, prolonged and oversized secrets are refused with 401."""
    delivery, _ = await _delivery(bench)
    for secrets in ([], [""], [NEW], [OLD[:-1]], [OLD + "x"], [OLD.upper()]):
        _verify(bench, delivery, secrets, fits=False)
    for text in ("", OLD[:-1], OLD + "x", OLD * (_MEGABYTE // len(OLD)), "\u0661" * 40, "\udc80"):
        headers = {name: value.replace(OLD, text) for name, value in delivery.headers.items()}
        if headers != dict(delivery.headers):
            _verify(bench, msgspec.structs.replace(delivery, headers=headers), [OLD], fits=False)
    bare = msgspec.structs.replace(delivery, headers={"content-type": "application/json"}, query={})
    _verify(bench, bare, [OLD], fits=False)
    return "wrong, retired, empty, cut, prolonged, oversized, absent"


async def knows_the_object(bench: Bench) -> str:
    """A delivery names an object that a fetch brings, as it is now."""
    delivery, reservation = await _delivery(bench)
    events = _door(bench).read(delivery.body)
    demand(events, "a delivery of a change names no object")
    streams = {stream.name for stream in bench.spec.streams}
    strange = [event.stream for event in events if event.stream not in streams]
    demand(not strange, f"a delivery names streams that the spec does not declare: {strange}")
    refs = [event.ref for event in events if event.stream == RESERVATIONS]
    found = await bench.connector.fetch(RESERVATIONS, refs)
    brought = [one for one in found.values() if isinstance(one, Record)]
    demand(len(brought) == len(refs), "a delivery names a record that a fetch does not bring")
    demand(await expected(bench, [reservation]) & stays_of(bench, brought), "a delivery names another reservation")
    places = {event.property_ref for event in events} - {None}
    demand(places <= {bench.place["ref"]}, f"a delivery of property {bench.place['ref']} names {places}")
    return f"{len(events)} events"


async def duplicates(bench: Bench) -> str:
    """A delivery sent twice is recognised: the same object, and the same id where the vendor has ids (DUP-01)."""
    bench.need("webhooks")
    async with listening() as box:
        _not_manual((await bench.connector.subscribe(box.url + _OURS, OLD))[0].manual)
        await bench.faults({"kind": "webhook_duplicate", "times": 1})
        await bench.change("modify", silent=False, ref=await bench.book(), set={"notes": "twice"})
        await box.collect(lambda: len(box.at(_OURS)) > 1)
        first, second = box.at(_OURS)[:2]
    demand(_events(bench, first) == _events(bench, second), "the same delivery names two objects")
    same = _door(bench).delivery_id(first) == _door(bench).delivery_id(second)
    demand(same, "the same delivery has two ids")
    return "one delivery, two times"


async def nonsense(bench: Bench) -> str:
    """Whatever a body is, reading it ends in events or in MappingRejected."""
    door = _door(bench)
    for body in _NONSENSE:
        try:
            door.read(body)
        except MappingRejected:
            continue
        except Exception as error:
            raise Finding(f"{body[:20]!r} ends in {type(error).__name__}, not in MappingRejected") from error
        raise Finding(f"{body[:20]!r} is read as if it named an object")
    return f"{len(_NONSENSE)} bodies of nonsense"


def _door(bench: Bench) -> Door:
    if bench.door is None:
        raise NotDeclared("not declared: webhooks")
    return bench.door


async def _delivery(bench: Bench) -> tuple[Delivery, str]:
    """Subscribe with the old secret and return a real delivery with the reservation it is about."""
    bench.need("webhooks")
    async with listening() as box:
        _not_manual((await bench.connector.subscribe(box.url + _OURS, OLD))[0].manual)
        reservation = await bench.book()
        await bench.change("modify", silent=False, ref=reservation, set={"notes": "news"})
        await _arrived(box)
        return box.at(_OURS)[0], reservation


async def _arrived(box: Inbox) -> None:
    await box.collect(lambda: bool(box.at(_OURS)))


def _not_manual(manual: str | None) -> None:
    if manual is not None:
        raise NotDeclared(f"a person subscribes: {manual[:100]}")


def _events(bench: Bench, delivery: Delivery) -> list[VendorEvent]:
    return _door(bench).read(delivery.body)


def _verify(bench: Bench, delivery: Delivery, secrets: list[str], *, fits: bool) -> None:
    try:
        _door(bench).verify(delivery, secrets, now=delivery.received_at)
    except DeliveryRefused as refused:
        demand(not fits, f"a delivery with the right secret is refused with {refused.status}")
        demand(refused.status == _UNAUTHORIZED, f"a wrong secret is refused with {refused.status}, not 401")
        return
    except Exception as error:
        raise Finding(f"a secret ends in {type(error).__name__}, not in DeliveryRefused") from error
    demand(fits, "a delivery is let in although no valid secret fits")
