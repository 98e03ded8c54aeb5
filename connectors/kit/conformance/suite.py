"""The table of rules, and the one function that tries a plugin on all of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection

from connectors.kit.conformance import (
    describing,
    failing,
    fetching,
    knocking,
    meaning,
    pushing,
    queueing,
    reading,
    settling,
)
from connectors.kit.conformance.bench import Bench, Candidate, OpenClient, SimulatorFactory, running
from connectors.kit.conformance.evidence import Evidence, Finding, Item, NotDeclared
from pms_sync.ports.connector import ConnectorPlugin, Door
from pms_sync.ports.mapper import Mapper

Rule = Callable[[Bench], Awaitable[str]]

RULES: dict[str, Rule] = {
    "facts.declared": describing.declared_facts,
    "facts.silent_constructor": describing.constructor_is_silent,
    "facts.unknown_stream": describing.unknown_stream,
    "check.true": describing.check,
    "catalogue.complete": describing.catalogue,
    "paging.to_the_end": reading.pages_to_the_end,
    "paging.ties": reading.page_ties,
    "paging.late_commits": reading.late_commits,
    "paging.moving_rows": reading.moves_while_paging,
    "paging.equal_second_read": reading.equal_second_read,
    "paging.bad_token": reading.bad_page_token,
    "paging.own_property": reading.only_our_property,
    "paging.calibration": fetching.calibration,
    "fetch.batches": fetching.fetch_batches,
    "fetch.same_meaning": fetching.fetch_means_the_same,
    "fetch.absent": fetching.fetch_absent,
    "fetch.not_ours": fetching.fetch_not_ours,
    "calls.serial": fetching.serial_calls,
    "calls.budget_facts": fetching.budget_facts,
    "auth.expired_once": failing.expired_once,
    "auth.refused_for_ever": failing.unauthorized_for_ever,
    **{name: failing.trouble(name) for name in failing.TROUBLES},
    "meaning.seeded_truth": meaning.seeded_truth,
    "meaning.changed_truth": meaning.changed_truth,
    "meaning.unknown_word": meaning.unknown_word,
    "meaning.one_bad_row": meaning.one_bad_row,
    "meaning.total_and_pure": meaning.total_and_pure,
    "meaning.crosswalk": meaning.crosswalk,
    "meaning.versions_grow": meaning.versions_grow,
    "door.subscribes_once": knocking.subscribes_once,
    "door.lets_in": knocking.lets_in,
    "door.keeps_out": knocking.keeps_out,
    "door.knows_the_object": knocking.knows_the_object,
    "door.duplicates": knocking.duplicates,
    "door.nonsense": knocking.nonsense,
    "queue.names_the_object": queueing.names_the_object,
    "queue.hands_out_once": queueing.hands_out_once,
    "queue.lost_answer_is_told": queueing.lost_answer_is_told,
    "queue.nonsense": queueing.nonsense,
    "push.held_as_it_is": pushing.held_as_it_is,
    "push.readback_equals": pushing.readback_equals,
    "push.only_what_was_named": pushing.only_what_was_named,
    "push.cancels": pushing.cancels,
    "push.per_item_verdict": pushing.per_item_verdict,
    "push.order": pushing.in_order,
    "push.create_found_by_token": pushing.found_by_token,
    "push.read_lag": pushing.read_lag,
    "push.no_retry": settling.no_retry,
    "push.turned_away": settling.turned_away,
    "push.unknown_outcome_looked_up": settling.unknown_outcome_looked_up,
    "push.two_are_unsure": settling.two_are_unsure,
}


async def certify(
    plugin: ConnectorPlugin,
    door: Door | None,
    mapper: Mapper,
    simulator_factory: SimulatorFactory,
    *,
    open_client: OpenClient,
    only: Collection[str] | None = None,
) -> Evidence:
    """Try a plugin on every rule, each on a fresh simulator, and return the evidence.

    A vendor that knocks at no door has none.
    `simulator_factory` takes a seed and makes a startable simulator; `open_client` takes its base URL and makes an
    HTTP client that may reach loopback. `only` names the rules to try; raises KeyError for one that does not exist.
    Nothing a plugin does raises here: it becomes an item that is not ok.
    """
    candidate = Candidate(plugin, door, mapper, simulator_factory, open_client)
    chosen = list(RULES) if only is None else sorted(only)
    items = [await _tried(candidate, name, RULES[name]) for name in chosen]
    return Evidence(
        vendor=plugin.spec.vendor,
        label=plugin.spec.label,
        plugin_api=plugin.spec.plugin_api,
        mapper_version=mapper.version,
        items=tuple(items),
    )


async def _tried(candidate: Candidate, name: str, rule: Rule) -> Item:
    try:
        async with running(candidate) as bench:
            return Item(rule=name, ok=True, detail=await rule(bench))
    except NotDeclared as told:
        return Item(rule=name, ok=True, detail=str(told))
    except Finding as finding:
        return Item(rule=name, ok=False, detail=str(finding))
    except Exception as error:  # noqa: BLE001 - whatever a plugin raises is a finding about the plugin
        return Item(rule=name, ok=False, detail=f"{type(error).__name__}: {error}")
