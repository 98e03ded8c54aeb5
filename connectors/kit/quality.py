"""Quality: what a connector has shown, as rules in four tiers; each vendor's `quality.toml` answers all of them.

A rule is `done`, `todo`, or `exempt` with a reason. What is done has witnesses: rules of the conformance suite, which
try it against the vendor's simulator. A tier is reached when every rule of it, and of those below, is done or exempt.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from importlib.util import find_spec
from typing import Literal, NamedTuple, TypeAlias

import msgspec

from pms_sync.domain.errors import ConfigurationFault

Tier: TypeAlias = Literal["bronze", "silver", "gold", "platinum"]
TIERS: tuple[Tier, ...] = ("bronze", "silver", "gold", "platinum")
FILE = "quality.toml"


class Rule(NamedTuple):
    """What is asked of a connector, and the suite's rules (by prefix) that witness it."""

    tier: Tier
    asks: str
    witnesses: tuple[str, ...]


RULES: Mapping[str, Rule] = {
    "declares_facts": Rule("bronze", "says what it can do before it does anything", ("facts.", "check.")),
    "imports_catalogue": Rule("bronze", "reads room types, rooms and rate plans", ("catalogue.",)),
    "reads_pages": Rule("bronze", "reads a feed to its end, whatever moves meanwhile", ("paging.",)),
    "reads_objects": Rule("bronze", "reads single objects in few calls, and tells absence from refusal", ("fetch.",)),
    "means_the_truth": Rule("bronze", "maps field by field what the vendor says", ("meaning.",)),
    "knows_faults": Rule("silver", "tells every failure with what must be done next", ("faults.", "limits.")),
    "keeps_its_login": Rule("silver", "renews an expired token once, and never hammers a refused one", ("auth.",)),
    "is_polite": Rule("silver", "keeps to the vendor's budget", ("calls.",)),
    "takes_webhooks": Rule(
        "gold",
        "subscribes once, lets in who may send, and keeps out the rest; or empties a queue and tells what was lost",
        ("door.", "queue."),
    ),
    "writes": Rule("platinum", "writes once, and finds out what became of a lost answer", ("push.",)),
}


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A connector's answer to one rule."""

    status: Literal["done", "todo", "exempt"]
    reason: str = ""


def is_told(package: str) -> bool:
    """Tell whether the package has a file at all; connectors from elsewhere need not, or may be one module."""
    found = find_spec(package)
    is_package = found is not None and found.submodule_search_locations is not None
    return is_package and files(package).joinpath(FILE).is_file()


def read(package: str) -> dict[str, Answer]:
    """Read a connector package's file; raises ConfigurationFault that names every rule wrongly answered."""
    try:
        told = tomllib.loads((files(package) / FILE).read_text())
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationFault(
            f"{FILE} cannot be read: {error}", package, "write one like those of the other connectors"
        ) from error
    try:
        answers = msgspec.convert(told.get("rules"), dict[str, Answer])
    except msgspec.ValidationError as error:
        raise ConfigurationFault(str(error), f"{package}/{FILE}", "answer done, todo or exempt") from error
    wrong = [*sorted(RULES.keys() ^ answers.keys()), *(name for name, one in answers.items() if _is_bare(one))]
    if wrong:
        remedy = "answer every rule, and give a reason for each exemption"
        raise ConfigurationFault(f"wrongly answered: {', '.join(wrong)}", f"{package}/{FILE}", remedy)
    return answers


def _is_bare(answer: Answer) -> bool:
    return answer.status == "exempt" and not answer.reason.strip()


def tier(answers: Mapping[str, Answer]) -> Tier | None:
    """Return the highest tier reached, None below bronze."""
    reached: Tier | None = None
    for one in TIERS:
        if any(answers[name].status == "todo" for name, rule in RULES.items() if rule.tier == one):
            return reached
        reached = one
    return reached
