"""The core never contains a vendor's name: what differs between vendors is declared by them (ARCHITECTURE §2)."""

from __future__ import annotations

import re

import pytest

from tests.architecture.sources import modules, name

VENDOR = re.compile(
    r"(?<![a-z])(?:beds24|mews|cloudbeds|opera)(?![a-z])"
    r"|(?:Beds24|Mews|Cloudbeds|Opera)(?![a-z])"
    r"|(?<![A-Z])(?:BEDS24|MEWS|CLOUDBEDS|OPERA)(?![A-Z])"
)


def test_the_core_names_no_vendor() -> None:
    found = {
        f"{name(path)}:{number}": line.strip()
        for path in modules("pms_sync", "conflict", "config")
        if "pms_sync/demo/" not in path.as_posix()
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if VENDOR.search(line)
    }
    assert not found


@pytest.mark.parametrize(
    "line", ['vendor = "beds24"', "BEDS24_STATUS = 1", "# as in Opera,", "class MewsDoor", "mews_"]
)
def test_a_vendors_name_would_be_seen(line: str) -> None:
    assert VENDOR.search(line)


@pytest.mark.parametrize("line", ["operation", "cooperate", "Operator", "OPERATION"])
def test_a_word_that_only_contains_one_is_no_name(line: str) -> None:
    assert not VENDOR.search(line)
