"""Quality files: every connector answers every rule, and what it calls done has a witness in the suite."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path

import pytest

from connectors.kit import quality
from connectors.kit.conformance.suite import RULES as SUITE
from pms_sync.domain.errors import ConfigurationFault

VENDORS = sorted(point.name for point in entry_points(group="pms_sync.connectors"))


def test_every_rule_has_witnesses_in_the_suite() -> None:
    for name, rule in quality.RULES.items():
        for prefix in rule.witnesses:
            assert any(one.startswith(prefix) for one in SUITE), f"{name}: nothing in the suite begins with {prefix}"


def test_every_rule_of_the_suite_witnesses_something() -> None:
    prefixes = tuple(prefix for rule in quality.RULES.values() for prefix in rule.witnesses)
    assert [one for one in SUITE if not one.startswith(prefixes)] == []


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_connector_answers_every_rule_and_has_reached_bronze(vendor: str) -> None:
    """ARCHITECTURE §3: each rule done, todo or exempt with a reason."""
    assert quality.tier(quality.read(f"connectors.{vendor}")) is not None


def test_what_is_left_out_or_exempt_without_a_reason_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "half_told"
    package.mkdir()
    (package / "__init__.py").touch()
    answers = [f'{name} = {{ status = "done" }}' for name in quality.RULES if name != "writes"]
    answers[0] = f'{next(iter(quality.RULES))} = {{ status = "exempt" }}'
    (package / "quality.toml").write_text("[rules]\n" + "\n".join(answers))
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ConfigurationFault, match="writes, declares_facts"):
        quality.read("half_told")


def test_one_rule_to_do_keeps_a_tier_away() -> None:
    done = dict.fromkeys(quality.RULES, quality.Answer(status="done"))
    assert quality.tier(done) == "platinum"
    assert quality.tier({**done, "is_polite": quality.Answer(status="todo")}) == "bronze"
    assert quality.tier({**done, "reads_pages": quality.Answer(status="todo")}) is None
