"""The kinds of cases in words, one row each: sentences with places for facts, and what they say of fields.

The sentences hold no guest's name: they head pages whose titles end up in a browser's history.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Words(NamedTuple):
    """The words of one kind: its name, title and sentences with places for facts, and what helps, also in short."""

    name: str
    title: str
    what: str
    otherwise: str
    helps: str = "Put right what it names, in the system that has it wrong; then mark the case as settled."
    short: str = "look into it"


_KEPT = "Its room stays taken here: absence is never taken for a cancellation, and nothing is deleted."
KINDS: Mapping[str, Words] = {
    "same_atom": Words(
        "Changed on both sides",
        "{field} changed on both sides",
        "{field} of this booking changed here and at {vendor}, to different values.",
        "{if_nothing}",
    ),
    "cancel_against_edit": Words(
        "Cancelled against changed",
        "Cancelled on one side, changed on the other",
        "{canceller}",
        "If it is cancelled, a room stays held for nobody; if it is not, a guest arrives whom nobody expects.",
    ),
    "link_up": Words(
        "First contact",
        "Two systems met and differ",
        "When {vendor} was connected, {bookings} stood there and here with different values.",
        "Nothing of these fields is sent or taken over until somebody decides; each side keeps its own.",
    ),
    "room_double_booked": Words(
        "Room sold twice",
        "Room {room} sold twice, {on}",
        "Room {room} is sold twice on the night of {date}: booking {here} has it, and booking {there} wants it too.",
        "Two guests come for one room. The second needs another room, or another house at your cost.",
        "Move one of the two to a free room, at its vendor or here; the case then goes away by itself. Mark it as "
        "settled when you have found another way.",
        "move one of the two",
    ),
    "type_oversold": Words(
        "Room type oversold",
        "{room_type} oversold, {on}",
        "On the night of {date} {there} stays of type {room_type} are booked, and there are rooms for {here}.",
        "Somebody with a valid booking finds no room of that type.",
        "Move or upgrade one of the stays, or open a room that is out of order; the case then goes away by itself.",
        "move or upgrade one",
    ),
    "illegal_status_jump": Words(
        "Impossible status",
        "Impossible change of status",
        "{Vendor} says that a stay went from {here} to {there}, which no stay can.",
        "It stands as {there}, as the vendor says. If that is wrong, arrivals, departures and the bill are wrong too.",
        "Correct the status where it is wrong, then mark the case as settled.",
    ),
    "mapping_missing": Words(
        "Code not mapped",
        "{Sort} {there} is not mapped",
        "{Vendor} sells {sort} {there}, and nobody has said which of ours that is.",
        "Its bookings are stored, but those of an unknown room type take no room here: the house can be sold over.",
        "Add {there} to the crosswalk in the hotel file; what waits for it heals by itself.",
        "map the code",
    ),
    "vanished": Words(
        "Booking vanished",
        "{Vendor} no longer shows a booking",
        "{gone}",
        _KEPT,
        "Look it up at the vendor: cancel it here if it is gone for good, then mark the case as settled.",
        "look it up there",
    ),
    "group_member_dropped": Words(
        "Room left its group",
        "A room is missing from its group",
        "{Vendor} shows the group without stay {ref}, and did not cancel it either.",
        _KEPT,
    ),
    "channel_reference_twice": Words(
        "Channel number twice",
        "One channel number, two bookings",
        "The channel's number {there} stands on two bookings.",
        "If they are one booking, two rooms are held for one guest.",
        "Cancel the one too many where it was made, then mark the case as settled.",
        "compare the two",
    ),
    "balance_differs": Words(
        "Bill differs",
        "The bill differs",
        "The bill of this booking does not come to the same here and at {vendor}.",
        "The guest is asked for one amount, and the books show another.",
    ),
    "price_basis_unknown": Words(
        "Net or gross",
        "A price without its basis",
        "{Vendor} gives a price and does not say whether tax is in it.",
        "It is not counted as revenue until somebody says which.",
    ),
    "mass_change": Words(
        "Too much at once",
        "Too much would change at once",
        "One read of {vendor} would end more of its bookings or blocks than can be right, so it was stopped.",
        "Nothing of it is applied, and our view of {vendor} grows old.",
        "Look at {vendor}: if the change is real, let it through, and else mark the case as settled.",
    ),
    "identity_doubt": Words(
        "Maybe one booking",
        "Maybe one booking, maybe two",
        "Booking {here} carries the channel's number {there}, which leads to another booking as well.",
        "If they are one booking, two rooms are held for one guest.",
        "Compare the two; cancel the one too many where it was made, then mark the case as settled.",
        "compare the two",
    ),
    "unknown_outcome": Words(
        "Outcome unknown",
        "Sent, and nobody knows what came of it",
        "A change was sent to {vendor}, and no answer told whether it took effect.",
        "It is not sent again by itself: a second try could do it twice, and without one it may be missing.",
        "Look it up at {vendor}, then mark the case as settled.",
        "look it up there",
    ),
    "invalid_merge": Words(
        "Changes do not fit",
        "Changes of both sides do not fit together",
        "Here and at {vendor} different parts of this booking changed, and together they cannot be: {rule}.",
        "Neither change is taken over, so the two systems disagree about the stay.",
    ),
}
OTHER = Words(
    "{kind}",
    "{kind}",
    "Two facts about this booking contradict each other.",
    "Each side goes on with its own.",
)
FIELDS = {
    "shape": "dates, room type or price",
    "room": "the room",
    "status": "the status",
    "occupancy": "the number of guests",
    "stays": "a room stay",
    "booker": "the booker",
    "guests": "a guest",
    "notes": "the notes",
    "comments": "the guest's comments",
    "lines": "a line of the bill",
    "total": "the total",
    "channel": "the channel",
}
IF_NOTHING = {
    "shape": "The guest comes for one stay, and the house is ready for another.",
    "room": "The desk hands out one room, and the other system believes in another.",
    "status": "Arrivals and departures are counted differently in the two systems.",
    "occupancy": "The room is made ready for another number of guests than arrive.",
    "booker": "Messages and invoices go to somebody else than they should.",
    "lines": "The guest is asked for one amount, and the books show another.",
    "total": "The guest is asked for one amount, and the books show another.",
}
DISAGREE = "The two systems go on disagreeing, and whoever looks at only one of them is misled."
