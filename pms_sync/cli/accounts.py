"""`accounts`: vendor logins and their webhook doors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from pms_sync.bootstrap import administration, logins
from pms_sync.cli import output, store
from pms_sync.domain.errors import ConfigurationFault

_MOST_LETTERS = 65_536


@click.group(name="accounts")
def command() -> None:
    """Vendor logins and their webhook doors."""


@command.command(name="list")
@output.json_option
def list_command(as_json: bool) -> None:  # noqa: FBT001
    """List the accounts, what each is doing, and what a person still has to do.

    Example: pms-sync accounts list
    """
    output.emit({"items": store.with_store(administration.listed, hotels=True)}, as_json, _render_list)


@command.command(name="add")
@click.argument("vendor")
@click.option("--property", "code", required=True, metavar="CODE", help="The property, as in the hotel file.")
@click.option("--credential", "credentials", multiple=True, metavar="NAME=VALUE", help="@FILE as VALUE reads a file.")
@click.option("--property-ref", metavar="REF", help="The property's id at the vendor, where the hotel file is silent.")
@click.option("--tenant", metavar="CODE", help="Needed only when two tenants use the same property code.")
@click.option("--role", type=click.Choice(["pms", "channel_manager"]), default="channel_manager", show_default=True)
@output.json_option
def add_command(vendor: str, code: str, credentials: Sequence[str], as_json: bool, **given: Any) -> None:  # noqa: ANN401, FBT001
    """Add a login of VENDOR for a property, in shadow mode; prints the webhook door. Its secret is shown once.

    Example: pms-sync accounts add VENDOR --property P1 --credential refresh_token=@token.txt
    """
    pairs = dict(_pair(text) for text in credentials)
    wanted = administration.Wanted(vendor=vendor, property_code=code, credentials=pairs, **given)
    output.emit(store.with_store(lambda core: administration.add(core, wanted), hotels=True), as_json, _render_added)


@command.command(name="test")
@click.argument("account")
@output.json_option
def test_command(account: str, as_json: bool) -> None:  # noqa: FBT001
    """Make the cheapest call and say whether the login works and fits the property.

    Example: pms-sync accounts test 0198f0c2-7d1e-7a3b-9c55-0242ac120002
    """
    document = store.with_store(lambda core: administration.tested(core, account), hotels=True)
    output.emit(document, as_json, _render_tested)
    if not document["ok"]:
        raise click.exceptions.Exit(output.FINDING)


@command.command(name="mode")
@click.argument("account")
@click.argument("mode", type=click.Choice(["shadow", "live"]))
@output.json_option
def mode_command(account: str, mode: str, as_json: bool) -> None:  # noqa: FBT001
    """Choose shadow (read only) or live.

    Example: pms-sync accounts mode 0198f0c2-7d1e-7a3b-9c55-0242ac120002 live
    """
    output.emit(
        store.with_store(lambda core: administration.set_mode(core, account, mode), hotels=True), as_json, _render_state
    )


@command.command(name="pause")
@click.argument("account")
@output.json_option
def pause_command(account: str, as_json: bool) -> None:  # noqa: FBT001
    """Stop talking to the vendor for this account; webhooks are kept.

    Example: pms-sync accounts pause 0198f0c2-7d1e-7a3b-9c55-0242ac120002
    """
    document = store.with_store(lambda core: administration.set_state(core, account, "paused"), hotels=True)
    output.emit(document, as_json, _render_state)


@command.command(name="resume")
@click.argument("account")
@output.json_option
def resume_command(account: str, as_json: bool) -> None:  # noqa: FBT001
    """Talk to the vendor again, after a pause or a refused login.

    Example: pms-sync accounts resume 0198f0c2-7d1e-7a3b-9c55-0242ac120002
    """
    document = store.with_store(lambda core: administration.set_state(core, account, "active"), hotels=True)
    output.emit(document, as_json, _render_state)


@command.command(name="rotate-secret")
@click.argument("account")
@output.json_option
def rotate_command(account: str, as_json: bool) -> None:  # noqa: FBT001
    """Give the account's door a new secret; the old one stays valid for a day. Shown once.

    Example: pms-sync accounts rotate-secret 0198f0c2-7d1e-7a3b-9c55-0242ac120002
    """
    output.emit(
        store.with_store(lambda core: administration.rotate(core, account), hotels=True), as_json, _render_rotated
    )


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name or not value:
        remedy = "write it as NAME=VALUE, or NAME=@FILE to keep the value out of the process list"
        raise ConfigurationFault("a credential is not NAME=VALUE", "--credential", remedy)
    text = _file(name, value[1:]) if value.startswith("@") else value
    logins.require_one_line(name, text)
    return name, text


def _file(name: str, path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123 - reads as the shell's own @FILE
            return file.read(_MOST_LETTERS + 1).strip()
    except (OSError, ValueError) as error:  # not there, not UTF-8, not even a file name
        what = f"the file of credential {name[:60]!r} cannot be read"
        raise ConfigurationFault(what, path, "name a text file that this user can read") from error


def _render_list(document: Mapping[str, Any]) -> None:
    if not document["items"]:
        click.echo("No accounts yet: pms-sync accounts add VENDOR --property CODE --credential NAME=VALUE")
        return
    columns = ("account_id", "property", "vendor", "property_ref", "mode", "state", "note")
    output.emit_table(columns, [[item[name] for name in columns] for item in document["items"]])


def _render_added(document: Mapping[str, Any]) -> None:
    door = document["door"]
    click.echo(f"account: {document['account_id']} (shadow: read only)")
    click.echo(f"webhook URL: {door['url']}")
    if door["secret"]:
        click.echo(f"header {door['header']}: {door['secret']}  (shown this once)")
    else:
        click.echo("The door exists already; its secret is the one shown then.")


def _render_tested(document: Mapping[str, Any]) -> None:
    click.echo("The login works." if document["ok"] else "Something is wrong:")
    for name in ("detail", "zone", "currency"):
        if document[name]:
            click.echo(f"{name}: {output.one_line(document[name])}")
    click.echo(f"scopes: {', '.join(document['scopes']) or '-'}")


def _render_state(document: Mapping[str, Any]) -> None:
    click.echo(f"{document['account_id']}: {document['mode']}, {document['state']}")


def _render_rotated(document: Mapping[str, Any]) -> None:
    click.echo(f"secret: {document['secret']}  (shown this once)")
    click.echo(f"The old one is accepted until {document['old_valid_until']}.")
