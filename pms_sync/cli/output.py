"""What every command shares: one JSON document or a readable table on stdout, errors on stderr, fixed exit codes."""

from __future__ import annotations

import io
import json
import math
import os
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NoReturn

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pms_sync.domain.errors import Disposition, Fault, Unavailable, VendorFault

OK = 0
FINDING = 1
USAGE = 2
UNAVAILABLE = 3
BUG = 70
INTERRUPTED = 130

DEBUG_VARIABLE = "PMS_SYNC_DEBUG"

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


def emit(document: Mapping[str, Any], as_json: bool, render: Callable[[Mapping[str, Any]], None]) -> None:  # noqa: FBT001
    """Print a command's result: the document itself with `--json`, else what `render` makes of it.

    A reader that went away changes nothing about how the command ends. Raises Unavailable when stdout takes no more.
    """
    try:
        if as_json:
            click.echo(json.dumps(document))  # ASCII escapes: safe whatever the terminal's encoding is
        else:
            render(document)
    except OSError as error:
        _give_up_stdout()
        if not isinstance(error, BrokenPipeError):
            raise _unwritten(error) from error


def _give_up_stdout() -> None:
    """Let what stdout still holds go nowhere, or the interpreter would complain about it at its end."""
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - a descriptor is wanted
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


def open_closed_streams() -> None:
    """Put the null device where the caller closed stdin, stdout or stderr.

    The first socket would take the free descriptor otherwise, and be written to or closed as if it were the stream.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free descriptor, which is this one
            setattr(sys, name, os.fdopen(number, mode))


def emit_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows as a table on a terminal, and as tab-separated plain lines in a pipe."""
    if not sys.stdout.isatty():
        for row in (columns, *rows):
            click.echo("\t".join(one_line(value) for value in row))
        return
    table = Table(*columns, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(Text(one_line(value)) for value in row))
    Console().print(table)


def one_line(value: object) -> str:
    """Write a value on one line; control characters would let a guest's name move the cursor."""
    text = "-" if value is None else str(value)
    return "".join(character if character.isprintable() else " " for character in text)


def fail(fault: Fault, as_json: bool = False) -> None:  # noqa: FBT001, FBT002
    """Print an error to stderr: JSON with `--json` and in a pipe, readable text on a terminal."""
    error = {"what": fault.what, "where": fault.where, "remedy": _remedy(fault)}
    if as_json or not sys.stderr.isatty():
        click.echo(json.dumps({"error": error}), err=True)
        return
    for name, text in error.items():
        if text:
            click.echo(f"{name:>7}: {one_line(text)}", err=True)


def _remedy(fault: Fault) -> str:
    """Return the remedy, with the time that the vendor asked for where it did."""
    asked = next((one.retry_after for one in (fault, fault.__cause__) if isinstance(one, VendorFault)), None)
    if not asked or f"in {asked:.0f} s" in fault.remedy:
        return fault.remedy
    return "; ".join(part for part in (fault.remedy, f"try again in {math.ceil(asked)} s") if part)


def exit_code(fault: Fault) -> int:
    """Return the exit code of a fault: 3 for what may come back by itself, else 2.

    A vendor that wants a person (refused credentials, a wrong address) is a matter of configuration.
    """
    if isinstance(fault, VendorFault):
        return USAGE if fault.disposition is Disposition.PAUSE else UNAVAILABLE
    return UNAVAILABLE if isinstance(fault, Unavailable) else USAGE


class GroupWithFaults(click.Group):
    """A group of commands in which every way to fail ends in one error document and the right exit code.

    A command ends with a finding by `raise click.exceptions.Exit(FINDING)`.
    """

    def main(self, args: Sequence[str] | None = None, *rest: Any, **extra: Any) -> NoReturn:  # noqa: ANN401
        """Run the command line and exit; see the module's codes."""
        given = list(sys.argv[1:] if args is None else args)
        as_json = "--json" in given
        extra["standalone_mode"] = False
        open_closed_streams()
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):  # a terminal that lacks a letter must not end the command
                stream.reconfigure(errors="backslashreplace")
        sys.exit(_code_of(lambda: super(GroupWithFaults, self).main(given, *rest, **extra), as_json))


def _code_of(run: Callable[[], object], as_json: bool) -> int:  # noqa: FBT001
    """Run and translate every outcome into an exit code, telling stderr why."""
    try:
        outcome = run()
    except click.exceptions.NoArgsIsHelpError as help_wanted:
        help_wanted.show()
        return USAGE
    except SystemExit:  # the library's own end for a help text that nobody reads any more
        return OK
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the last door: a user meets no traceback
        fault, code = _fault_of(error)
        fail(fault, as_json)
        return code
    return outcome if isinstance(outcome, int) and not isinstance(outcome, bool) else OK


def _fault_of(error: BaseException) -> tuple[Fault, int]:
    """Say what an exception means to the person at the keyboard, and its exit code."""
    match error:
        case Fault():
            return error, exit_code(error)
        case click.ClickException():
            return _usage_fault(error), USAGE
        case click.Abort() | KeyboardInterrupt():
            return Fault("interrupted", "control-C", "run the same command again to go on"), INTERRUPTED
        case OSError() if _was_printing(error):
            return _unwritten(error), UNAVAILABLE
        case _:
            return _bug(error), BUG


def _was_printing(error: OSError) -> bool:
    """Tell whether it was a help text that found no room; what stdout still holds goes nowhere then."""
    if not any(frame.name == click.echo.__name__ for frame in traceback.extract_tb(error.__traceback__)):
        return False
    _give_up_stdout()
    return True


def _unwritten(error: OSError) -> Unavailable:
    what = f"the result cannot be written: {error.strerror}"
    return Unavailable(what, "stdout", "make room, and run the command again")


def _usage_fault(error: click.ClickException) -> Fault:
    """Say a usage error in the shape of every other error."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else ""
    return Fault(error.format_message(), path, f"see `{path} --help`" if path else "see `--help`")


def _bug(error: BaseException) -> Fault:
    """Name a defect by its kind and place only: its message may carry guest data."""
    if os.environ.get(DEBUG_VARIABLE):
        traceback.print_exception(error)
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{os.path.basename(frames[-1].filename)}:{frames[-1].lineno}" if frames else ""  # noqa: PTH119
    remedy = f"this is a defect: run again with {DEBUG_VARIABLE}=1 to see it whole, and report it"
    return Fault(f"unexpected {type(error).__name__}", where, remedy)
