"""Cards leave before storage, and nothing else does."""

from __future__ import annotations

import json
from time import thread_time

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pms_sync.observe.card_keys import NAMES, Rule
from pms_sync.observe.card_scan import is_card_number
from pms_sync.observe.redact import scrub_json, scrub_text

# The networks' published test numbers.
CARDS = (
    "4111111111111111", "4222222222222", "5555555555554444", "2223003122003222", "378282246310005", "6011111111111117",
    "3530111333300000", "30569309025904", "6200000000000005", "6759649826438453",
)  # fmt: skip
FORMS = ("{}", " {} ", "card {} please", "x{}y", "({})", "no:{}.", "\n{}\n", "é{}ü", "2 {} 12/27")


def separated(card: str, separator: str) -> str:
    return separator.join(card[i : i + 4] for i in range(0, len(card), 4))


def in_script(card: str, zero: str) -> str:
    return "".join(chr(ord(zero) + int(digit)) for digit in card)


@pytest.mark.parametrize("card", CARDS)
@pytest.mark.parametrize("separator", ["", " ", "-", ".", "\u00a0", "\u2011", "\u200b", " - ", "\t", "\n", "_"])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_a_planted_card_keeps_its_last_four_in_every_form(card: str, separator: str, *, ascii_only: bool) -> None:
    for form in FORMS:
        body = json.dumps({"a": [{"notes": form.format(separated(card, separator))}]}, ensure_ascii=ascii_only).encode()
        scrubbed, removed = scrub_json(body)
        digits = "".join(filter(str.isdecimal, json.loads(scrubbed)["a"][0]["notes"]))
        assert removed >= 1
        assert card not in digits
        assert card[-4:] in digits


@pytest.mark.parametrize("zero", ["\u0660", "\u0966", "\uff10", "\U0001d7ce"])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_other_scripts_digits_hide_nothing(zero: str, *, ascii_only: bool) -> None:
    body = json.dumps({"notes": in_script("4111111111111111", zero)}, ensure_ascii=ascii_only).encode()
    assert json.loads(scrub_json(body)[0])["notes"] == "*" * 12 + in_script("1111", zero)


@pytest.mark.parametrize(
    "number", ["4111111111111111", "4111111111111111.0", "4.111111111111111e15", "-4111111111111111"]
)
def test_a_card_written_as_a_number_is_removed(number: str) -> None:
    scrubbed, removed = scrub_json(f'{{"x":[1,{number}]}}'.encode())
    assert (removed, json.loads(scrubbed)["x"]) == (1, [1, "************1111"])


def test_a_card_as_a_key_is_removed() -> None:
    assert scrub_json(b'{"4111111111111111":1}')[0] == b'{"************1111":1}'


@pytest.mark.parametrize("name", [name for names in NAMES.values() for name in names])
@pytest.mark.parametrize("glue", ["", "_", "-", " ", "title"])
def test_card_codes_are_dropped_before_the_inbox(name: str, glue: str) -> None:
    """PRV-03: every spelling of every known name, even without a card number beside it."""
    key = name.title().replace(" ", "") if glue == "title" else name.replace(" ", glue)
    number = name in NAMES[Rule.NUMBER]
    scrubbed, removed = scrub_json(json.dumps({"id": 5, key: "123456789" if number else "123"}).encode())
    assert (removed, json.loads(scrubbed)) == (1, {"id": 5, key: "*****6789" if number else None})


def test_names_inside_text_forms_and_nested_json_count_too() -> None:
    """PRV-03: form-encoded bodies, XML, JSON within JSON and speech."""
    assert scrub_json(b"cvv=123&x=1")[0] == b"cvv=***&x=1"
    assert scrub_json(b"<SeriesCode>123</SeriesCode>")[0] == b"<SeriesCode>***</SeriesCode>"
    nested = json.dumps({"raw": json.dumps({"cvv": "987"})}).encode()
    assert b"987" not in scrub_json(nested)[0]
    assert scrub_text("the CVC is 987, thanks") == "the CVC is ***, thanks"


def test_a_card_object_keeps_last_four_type_and_token() -> None:
    body = {
        "creditCard": {"number": "4111111111111111", "expiry": "12/27", "code": "123", "type": "visa", "token": "tk"}
    }
    kept = json.loads(scrub_json(json.dumps(body).encode())[0])["creditCard"]
    assert kept == {"number": "************1111", "expiry": None, "code": None, "type": "visa", "token": "tk"}


def test_a_virtual_card_keeps_its_dates() -> None:
    body = b'{"virtualCard":{"number":"4111111111111111","expirationDate":"2027-01-01"}}'
    assert json.loads(scrub_json(body)[0])["virtualCard"]["expirationDate"] == "2027-01-01"


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111112", "1234567890123456", "9999999999999995", "1764000000000000", "+4915123456789",
        "BK-4000123412", "49 1512 3456789", "+34 600 123 456", "2026-03-01 2026-03-04", "41111111111111111111",
        "192.168.100.200:8080",
        "Late arrival, card will be shown", "expires 2026-12-01", "cid", "security deposit 1234",
        "Japan", "0049 1512 3456789",
    ],
)  # fmt: skip
def test_what_is_no_card_stays_as_it_is(text: str) -> None:
    """PRV-02: references, phones and dates."""
    body = json.dumps({"phone": text, "ref": text}).encode()
    assert scrub_json(body) == (body, 0)


def test_identifiers_that_pass_luhn_stay_but_prose_under_them_does_not() -> None:
    """PRV-02: one id in ten passes Luhn, so the door names its identifiers."""
    keys = frozenset({"id", "ids"})
    body = b'{"id":4111111111111111,"ids":["4111111111111111"]}'
    assert scrub_json(body, keys) == (body, 0)
    assert scrub_json(b'{"id":"4111 1111 1111 1111"}', keys)[1] == 1


def test_what_surrounds_a_card_keeps_its_bytes() -> None:
    body = b'{ "a" : 1.50, "a":2, "n":"\\u00e9\\/ \\n4111111111111111\\ud800", "bad":"\xff\xfe", "h":%s, "z":NaN }' % (
        b"9" * 5000
    )
    assert scrub_json(body) == (body.replace(b"411111111111", b"*" * 12), 1)


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000 + b'"4111111111111111"' + b"]" * 100_000, b'{"a":' * 100_000 + b'"4111111111111111"',
        b'{"a":"4111111111111111', b'"\x004111111111111111\x00"', b'\xff\xfe{"a":4111111111111111}',
        b'{"a":4111111111111111]',
        b'{"\\ud800":"4111111111111111"}', b'{"e":1e999999999,"c":"4111111111111111"}',
        "4111111111111111".encode("utf-16"),
        b'{"a":"\\x4111111111111111"}', b'\\u0034111111111111111 {"a"', b'{"a":\'4111111111111111\'}',
    ],
    ids=lambda body: str(body[:24]),
)  # fmt: skip
def test_hostile_bodies_are_scrubbed_without_falling_over(body: bytes) -> None:
    scrubbed, _ = scrub_json(body)
    assert b"4111111111111111" not in scrubbed.replace(b"\x00", b"")


@given(st.binary())
def test_no_bytes_at_all_can_break_it(body: bytes) -> None:
    scrub_json(body)
    scrub_json(b'{"cvv":' + body)


LETTERS = st.text(st.characters(exclude_categories=["Nd", "Cs"]), max_size=20).filter(lambda t: scrub_text(t) == t)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**11), 10**11) | st.floats(allow_nan=False, width=16) | LETTERS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["a", "ñ", "ref", "phone"]), inner),
)


@given(value=VALUES, ascii_only=st.booleans())
def test_any_json_without_cards_survives_byte_for_byte(value: object, *, ascii_only: bool) -> None:
    body = json.dumps(value, ensure_ascii=ascii_only).encode()
    assert scrub_json(body) == (body, 0)


@given(
    value=VALUES,
    card=st.sampled_from(CARDS),
    separator=st.sampled_from(["", " ", "-", "\u2009"]),
    text=LETTERS,
    ascii_only=st.booleans(),
)
def test_a_card_planted_anywhere_is_found(
    value: object, card: str, separator: str, text: str, *, ascii_only: bool
) -> None:
    assume(not text.endswith("+"))
    body = json.dumps(
        [value, {"x": {"y": [text + separated(card, separator) + text]}}], ensure_ascii=ascii_only
    ).encode()
    scrubbed = json.loads(scrub_json(body)[0])[1]["x"]["y"][0]
    assert card[:-4] not in "".join(filter(str.isdecimal, scrubbed))


@given(st.text("0123456789 -", max_size=60))
def test_scrubbing_twice_changes_nothing_more(text: str) -> None:
    once = scrub_text(text)
    assert scrub_text(once) == once


@given(st.integers(10**12, 10**19 - 1))
def test_only_luhn_and_an_issuer_make_a_card(number: int) -> None:
    text = str(number)
    assert (scrub_text(text) != text) is is_card_number(text)


@pytest.mark.parametrize(
    "body",
    [b"4 1 1 1 " * 131_072, b'{"n":"%b"}' % (b"4 1 1 1 " * 131_072), b'{"%b":null}' % (b"card-" * 200_000)],
    ids=["text", "json", "key"],
)
def test_a_large_body_made_to_be_slow_is_scanned_in_a_moment(body: bytes) -> None:
    """ING-12: seconds of processor time, not of waiting, so that a busy machine changes little."""
    began = thread_time()
    assert scrub_json(body) == (body, 0)
    assert thread_time() - began < 0.8


@pytest.mark.parametrize("before", [2_000, 2_010, 2_028, 2_029, 2_030, 2_047, 2_048, 2_049, 4_077, 4_096, 10_000])
@pytest.mark.parametrize("card", ["4111 1111 1111 1111", "4111111111111111"])
def test_a_card_is_found_anywhere_in_a_long_run_of_digits(before: int, card: str) -> None:
    text = f"{'0 ' * before}{card}{' 0' * 3_000}"
    assert scrub_text(text).replace("0 ", "").replace(" 0", "") == "".join(
        "*" if place < len(card) - 4 and char != " " else char for place, char in enumerate(card)
    )


def test_digits_in_one_group_longer_than_a_card_stay_one_group_however_long() -> None:
    assert scrub_text("4111111111111111" * 1_000) == "4111111111111111" * 1_000


def test_groups_of_digits_that_are_no_json_are_read_as_text() -> None:
    assert scrub_json(b"4111 1111 1111 1111")[0] == b"**** **** **** 1111"
