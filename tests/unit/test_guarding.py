"""What a form must show before it is believed, how long guessing waits, and one spelling per address."""

from __future__ import annotations

import pytest
from multidict import CIMultiDict

from pms_sync.auth import emails
from pms_sync.auth.attempts import AT_MANY_ACCOUNTS, AT_ONE_ACCOUNT
from pms_sync.auth.faults import TooSoon
from pms_sync.auth.guarding import comes_from_here, secret_fits
from pms_sync.domain.errors import ConfigurationFault

HERE = {"https://pms.example", "http://127.0.0.1:8080"}


@pytest.mark.parametrize(
    "headers",
    [{}, {"Origin": "https://pms.example"}, {"origin": "http://127.0.0.1:8080", "sec-fetch-site": "same-origin"},
     {"Sec-Fetch-Site": "none"}, {"Origin": "null", "Sec-Fetch-Site": "same-origin"}],
)  # fmt: skip
def test_a_form_of_our_own_is_believed(headers: dict[str, str]) -> None:
    """A browser that says nothing is left to the secret; one that hides its origin must vouch otherwise."""
    assert comes_from_here(CIMultiDict(headers), HERE)


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": ""}, {"Origin": "http://pms.example"},
     {"Origin": "https://pms.example.evil"}, {"Origin": "https://pms.example:444"}, {"Sec-Fetch-Site": "cross-site"},
     {"Sec-Fetch-Site": "same-site", "Origin": "https://pms.example"}, {"Sec-Fetch-Site": ""},
     {"Origin": "null", "Sec-Fetch-Site": "none"}],
)  # fmt: skip
def test_a_form_from_elsewhere_is_not(headers: dict[str, str]) -> None:
    """SEC-04: wrong origin."""
    assert not comes_from_here(CIMultiDict(headers), HERE)


@pytest.mark.parametrize(
    ("expected", "given"), [("", ""), ("", "x"), ("x", ""), ("x", "y"), ("x", "xx"), ("x", "\udcff")]
)
def test_a_secret_that_is_wrong_or_missing_never_fits(expected: str, given: str) -> None:
    assert not secret_fits(expected, given)
    assert secret_fits("x", "x")


def test_five_failures_are_free_and_then_the_wait_doubles_up_to_a_minute() -> None:
    """SEC-06: slow, never locked."""
    waits = [AT_ONE_ACCOUNT.wait_s(failures) for failures in range(14)]
    assert waits == [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert AT_ONE_ACCOUNT.wait_s(10_000) == 60
    assert (AT_MANY_ACCOUNTS.wait_s(29), AT_MANY_ACCOUNTS.wait_s(30), AT_MANY_ACCOUNTS.wait_s(5_000)) == (0, 1, 30)


def test_a_wait_is_told_in_whole_seconds_of_at_least_one() -> None:
    assert [TooSoon(wait).retry_s for wait in (0.01, 1.0, 1.2, 59.9)] == [1, 1, 2, 60]


@pytest.mark.parametrize(
    ("text", "found"),
    [(" Anna@Example.ORG ", "anna@example.org"), ("a+b@x", "a+b@x"), ("Zoe\u0308@x.org", "zo\u00eb@x.org"),
     ("\uff41@x.org", "a@x.org")],
)  # fmt: skip
def test_an_address_has_one_spelling(text: str, found: str) -> None:
    assert emails.spelt(text) == found == emails.checked(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "anna",
        "@x.org",
        "anna@",
        "a b@x.org",
        "a@b@x.org",
        "a\0@x.org",
        "a\n@x.org",
        "a" * 255 + "@x.org",
        "\udcff@x",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    assert emails.spelt(text) is None
    with pytest.raises(ConfigurationFault):
        emails.checked(text)
