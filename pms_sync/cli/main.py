"""`pms-sync`: the table of commands; each is loaded when it is asked for, so that a light one starts at once."""

from __future__ import annotations

from importlib import import_module
from typing import NamedTuple

import click

from pms_sync.cli.output import GroupWithFaults
from pms_sync.domain.errors import NotBuiltYet


class _Command(NamedTuple):
    """Where a command lives; without a module it comes in a later version."""

    summary: str
    module: str | None = None


COMMANDS: dict[str, _Command] = {
    "run": _Command("The daemon: webhooks, polling, workers and pages.", "run"),
    "migrate": _Command("Bring the schema to this version.", "migrate"),
    "doctor": _Command("Check settings, database and accounts, and say what to do.", "doctor"),
    "accounts": _Command("Vendor logins and their webhook doors.", "accounts"),
    "map": _Command("Show what a vendor's record means to us; needs no database.", "map_command"),
    "poll-once": _Command("Read the change feeds now.", "poll_once"),
    "backfill": _Command("Read an account's history; goes on where it was interrupted.", "backfill"),
    "replay": _Command("Try parked rows, or everything, once more.", "replay"),
    "explain": _Command("Say for every field of a reservation who said so, and when.", "explain"),
    "simulate": _Command("A simulated vendor on a local port.", "simulate"),
    "connectors": _Command("What is installed; the suite every connector passes.", "connectors"),
    "demo": _Command("A simulated hotel flows in.", "pms_sync.demo.command"),
    "reconcile": _Command("Compare both sides, prove or heal.", "reconcile"),
    "push": _Command("What is to become true at vendors.", "push"),
    "cases": _Command("What no rule decides, and a person does.", "cases"),
    "decisions": _Command("What rules decided between two values; bring one back.", "decisions"),
    "users": _Command("People who may sign in.", "users"),
    "export-guest": _Command("Everything kept about one guest."),
    "erase-guest": _Command("Erase one guest's personal data."),
    "rotate-keys": _Command("Wrap the data keys anew.", "rotate_keys"),
    "verify-audit": _Command("Walk the audit chain."),
    "audit": _Command("Export the audit log."),
}


class _Commands(GroupWithFaults):
    """Finds commands by the table."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - the library's signature
        """List what can be run; what comes later is not advertised."""
        return [name for name, command in COMMANDS.items() if command.module]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Load one command."""
        command = COMMANDS.get(cmd_name)
        if command is None:
            return None
        if command.module is None:
            return not_built_yet(cmd_name)
        where = command.module if "." in command.module else f"pms_sync.cli.{command.module}"
        loaded: click.Command = import_module(where).command
        return loaded

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table without loading the commands."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name].summary) for name in self.list_commands(ctx)])


def not_built_yet(name: str) -> click.Command:
    """Stand in for a stable name whose capability comes later: exit 2 whatever its arguments."""

    @click.command(
        name=name,
        context_settings={"ignore_unknown_options": True, "help_option_names": []},
        add_help_option=False,
        hidden=True,
    )
    @click.argument("rest", nargs=-1, type=click.UNPROCESSED)
    def later(rest: tuple[str, ...]) -> None:
        del rest
        raise NotBuiltYet(f"{name} is not built yet", f"pms-sync {name}", "it comes with a later version")

    return later


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="pms-sync", prog_name="pms-sync")
def main() -> None:
    """One reservation truth for a hotel that lives in several systems at once."""
