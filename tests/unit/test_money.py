"""Money: exact to the minor unit of its currency, or refused."""

from __future__ import annotations

from decimal import Decimal

import pytest

from pms_sync.domain.money import CURRENCIES, AmountRejected, Money, exponent, fit, minor_units, parse_amount, split


@pytest.mark.parametrize(
    ("text", "currency", "units", "written"),
    [
        ("1000", "JPY", 1000, "1000"),
        ("0.250", "KWD", 250, "0.250"),
        ("1.2345", "CLF", 12345, "1.2345"),
        ("10.10", "EUR", 1010, "10.10"),
        ("10.1", "EUR", 1010, "10.10"),
    ],
)
def test_minor_units_follow_the_currency(text: str, currency: str, units: int, written: str) -> None:
    """MON-01."""
    amount = parse_amount(text, currency)

    assert minor_units(amount, currency) == units
    assert str(amount) == written


def test_a_vendors_own_exponent_wins() -> None:
    """MON-02: two payment services list CLF without decimals."""
    assert exponent("CLF", {"CLF": 0}) == 0
    assert str(parse_amount("12", "CLF", {"CLF": 0})) == "12"
    with pytest.raises(AmountRejected):
        parse_amount("1.2345", "CLF", {"CLF": 0})


@pytest.mark.parametrize(
    ("text", "expected"), [("144.05", "144.05"), ("1e2", "100.00"), ("19.9900", "19.99"), ("-0", "0.00")]
)
def test_amounts_are_read_exactly(text: str, expected: str) -> None:
    """MON-03: never 144.04."""
    assert str(parse_amount(text, "EUR")) == expected


@pytest.mark.parametrize(
    "text",
    ["0.30000000000000004", "19.999999", "NaN", "Infinity", "-sNaN", "", "ten", "1e400", "-1e400", "1e15", "1e-400"],
)
def test_what_would_need_rounding_or_is_no_amount_is_refused(text: str) -> None:
    """MON-03: exact or rejected, and no exception of the decimal module gets out."""
    with pytest.raises(AmountRejected):
        parse_amount(text, "EUR")


@pytest.mark.parametrize("text", ["NaN", "1e400", "1E+999999999", "1E-999999999"])
def test_fitting_a_decimal_has_the_same_limits_as_reading_a_text(text: str) -> None:
    """A mapper fits Decimals that came straight from the wire."""
    with pytest.raises(AmountRejected):
        fit(Decimal(text), "EUR")


def test_a_split_keeps_the_total_and_gives_the_odd_cents_to_the_first_nights() -> None:
    """MON-04."""
    assert [str(part) for part in split(Decimal("100.00"), 3, "EUR")] == ["33.34", "33.33", "33.33"]
    assert [str(part) for part in split(Decimal("-0.05"), 2, "EUR")] == ["-0.03", "-0.02"]
    assert split(Decimal("100.00"), 0, "EUR") == []


def test_money_of_two_currencies_does_not_add() -> None:
    """MON-07."""
    assert Money(Decimal("1.00"), "EUR") + Money(Decimal("2.00"), "EUR") == Money(Decimal("3.00"), "EUR")
    with pytest.raises(ValueError, match="cannot add"):
        _ = Money(Decimal("1.00"), "EUR") + Money(Decimal("2.00"), "USD")


def test_every_currency_with_its_own_exponent_is_a_known_one() -> None:
    """MON-02: an unknown code is refused before money is read with it."""
    assert {code for code in CURRENCIES if exponent(code) != 2} >= {"JPY", "KWD", "CLF"}
    assert "QQQ" not in CURRENCIES
    assert len(CURRENCIES) > 150
