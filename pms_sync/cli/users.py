"""`users`: people who may sign in. Passwords come on stdin, never as an argument, which other users could see."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import click

from pms_sync.auth.passwords import LONGEST
from pms_sync.auth.roles import role_named
from pms_sync.bootstrap import people
from pms_sync.cli import output, store
from pms_sync.domain.errors import ConfigurationFault

_COLUMNS = ("email", "name", "role", "tenant", "state", "last_sign_in_at")
_EXAMPLE = "printf '%s' \"$PASSWORD\" | pms-sync users …"


@click.group(name="users")
def command() -> None:
    """People who may sign in."""


@command.command(name="list")
@output.json_option
def list_command(as_json: bool) -> None:  # noqa: FBT001
    """List everybody, with role and state.

    Example: pms-sync users list
    """
    output.emit({"items": store.with_store(people.listed)}, as_json, _render_list)


@command.command(name="add")
@click.argument("email")
@click.option("--role", required=True, metavar="ROLE", help="super_admin, admin, manager, front_desk, housekeeping, "
              "maintenance or viewer.")  # fmt: skip
@click.option("--tenant", metavar="CODE", help="Needed only when there are several tenants.")
@click.option("--name", metavar="NAME", help="How pages call the person.")
@output.json_option
def add_command(email: str, role: str, tenant: str | None, name: str | None, as_json: bool) -> None:  # noqa: FBT001
    """Add a person; the password is read from stdin (asked for on a terminal), 8 characters or more.

    Example: pms-sync users add anna@example.com --role front_desk < password.txt
    """
    chosen = role_named(role)
    wanted = people.Wanted(email=email, role=chosen, password=_password(), tenant=tenant, name=name)
    output.emit(store.with_store(lambda core: people.add(core, wanted), hotels=True), as_json, _render_person)


@command.command(name="password")
@click.argument("email")
@output.json_option
def password_command(email: str, as_json: bool) -> None:  # noqa: FBT001
    """Give EMAIL a new password, read from stdin; their sessions and tokens end.

    Example: pms-sync users password anna@example.com < password.txt
    """
    password = _password()
    output.emit(
        store.with_store(lambda core: people.set_password(core, email, password), hotels=True), as_json, _render_person
    )


@command.command(name="role")
@click.argument("email")
@click.argument("role")
@output.json_option
def role_command(email: str, role: str, as_json: bool) -> None:  # noqa: FBT001
    """Give EMAIL another ROLE; their sessions and tokens end.

    Example: pms-sync users role anna@example.com manager
    """
    chosen = role_named(role)
    output.emit(
        store.with_store(lambda core: people.set_role(core, email, chosen), hotels=True), as_json, _render_person
    )


@command.command(name="disable")
@click.argument("email")
@output.json_option
def disable_command(email: str, as_json: bool) -> None:  # noqa: FBT001
    """Let EMAIL in no more; their sessions and tokens end at once.

    Example: pms-sync users disable anna@example.com
    """
    output.emit(store.with_store(lambda core: people.disable(core, email), hotels=True), as_json, _render_person)


@command.command(name="enable")
@click.argument("email")
@output.json_option
def enable_command(email: str, as_json: bool) -> None:  # noqa: FBT001
    """Let a disabled EMAIL in again.

    Example: pms-sync users enable anna@example.com
    """
    output.emit(store.with_store(lambda core: people.enable(core, email), hotels=True), as_json, _render_person)


def _password() -> str:
    """Read a password: hidden and twice on a terminal, else one line of stdin without its end."""
    if sys.stdin.isatty():
        asked: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
        return asked
    try:
        # As bytes: what a locale makes of them must not decide what the password is.
        text = sys.stdin.buffer.read(LONGEST * 8).decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise ConfigurationFault("the password is not text in UTF-8", "stdin", _EXAMPLE) from error
    if not text or "\n" in text:
        what = "stdin holds more than one line" if text else "no password came on stdin"
        raise ConfigurationFault(what, "stdin", _EXAMPLE)
    return text


def _render_list(document: Mapping[str, Any]) -> None:
    if not document["items"]:
        click.echo("Nobody may sign in yet: pms-sync users add EMAIL --role ROLE")
        return
    output.emit_table(_COLUMNS, [[item[name] for name in _COLUMNS] for item in document["items"]])


def _render_person(document: Mapping[str, Any]) -> None:
    told = f"{document['email']}: {document['role']} of {document['tenant']}, {document['state']}"
    click.echo(output.one_line(told))
