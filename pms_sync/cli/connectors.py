"""`connectors`: which vendors are installed, and whether each keeps the contract."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from pms_sync import plugins
from pms_sync.cli import loop, output
from pms_sync.cli.main import not_built_yet


@click.group(name="connectors")
def command() -> None:
    """Vendors that are installed, and the suite every one of them passes."""


@command.command(name="list")
@output.json_option
def list_command(as_json: bool) -> None:  # noqa: FBT001
    """List the installed connectors with what each declares.

    Example: pms-sync connectors list
    """
    from pms_sync.bootstrap.grading import tier_of  # noqa: PLC0415 - help texts need not load the kit

    items = [{**_item(name, plugin.spec), "quality": tier_of(name)} for name, plugin in plugins.connectors().items()]
    output.emit({"items": items}, as_json, _render_list)


@command.command(name="certify")
@click.argument("name")
@output.json_option
def certify_command(name: str, as_json: bool) -> None:  # noqa: FBT001
    """Try connector, mapper, door and simulator of NAME on every rule of the contract; prints the evidence.

    Example: pms-sync connectors certify NAME
    """
    from pms_sync.bootstrap.certifying import certify  # noqa: PLC0415 - a list need not load all that the suite tries
    from pms_sync.observe.logs import configure_logging  # noqa: PLC0415

    configure_logging(level="CRITICAL")  # the suite provokes every failure there is
    document = loop.run(certify(name))
    output.emit(document, as_json, _render_evidence)
    if not document["ok"]:
        raise click.exceptions.Exit(output.FINDING)


command.add_command(not_built_yet("new"))


def _item(name: str, spec: Any) -> dict[str, Any]:  # noqa: ANN401 - a ConnectorSpec
    mappers, simulators = plugins.names(plugins.MAPPERS), plugins.names(plugins.SIMULATORS)
    return {
        "vendor": name,
        "label": spec.label,
        "plugin_api": spec.plugin_api,
        "capabilities": sorted(spec.capabilities),
        "streams": [stream.name for stream in spec.streams],
        "credentials": list(spec.credential_keys),
        "mapper": name in mappers,
        "simulator": name in simulators,
        "docs": spec.docs,
    }


def _render_list(document: Mapping[str, Any]) -> None:
    columns = ("vendor", "label", "quality", "streams", "credentials", "simulator")
    output.emit_table(columns, [_row(one) for one in document["items"]])


def _row(one: Mapping[str, Any]) -> tuple[object, ...]:
    streams, credentials = ", ".join(one["streams"]), ", ".join(one["credentials"])
    return one["vendor"], one["label"], one["quality"], streams, credentials, one["simulator"]


def _render_evidence(document: Mapping[str, Any]) -> None:
    output.emit_table(
        ("rule", "holds", "detail"),
        [(item["rule"], "yes" if item["ok"] else "NO", item["detail"]) for item in document["items"]],
    )
    failed = document["failed"]
    click.echo(f"{document['label']}: {document['rules']} rules, {failed or 'none'} broken.")
