"""The output convention: one error document, fixed exit codes, no traceback for a user."""

from __future__ import annotations

import json

import click
import pytest
from click.testing import CliRunner

from pms_sync.cli import output
from pms_sync.domain.errors import ConfigurationFault, Fault, NotBuiltYet, Unavailable, VendorFault

FAULTS: dict[str, BaseException] = {
    "wrong": ConfigurationFault("bad zone", "hotel.toml: timezone", "use an IANA name"),
    "later": NotBuiltYet("not built yet"),
    "away": Unavailable("the database does not answer"),
    "stopped": KeyboardInterrupt(),
    "defect": RuntimeError("Maria Secret"),
    "finding": click.exceptions.Exit(output.FINDING),
}


@click.group(cls=output.GroupWithFaults)
def cli() -> None:
    """Commands that end in every way there is."""


@cli.command("end")
@click.argument("name")
@output.json_option
def end(name: str, as_json: bool) -> None:
    """End as told, or print a document."""
    if name in FAULTS:
        raise FAULTS[name]
    output.emit({"items": [name]}, as_json, lambda document: output.emit_table(("name",), [document["items"]]))


@pytest.mark.parametrize(
    ("name", "code", "what"),
    [
        ("wrong", 2, "bad zone"),
        ("later", 2, "not built yet"),
        ("away", 3, "the database does not answer"),
        ("stopped", 130, "interrupted"),
        ("defect", 70, "unexpected RuntimeError"),
    ],
)
def test_every_failure_has_its_code_and_one_error_document(name: str, code: int, what: str) -> None:
    """Nothing on stdout; stderr carries what, where and remedy."""
    result = CliRunner().invoke(cli, ["end", name, "--json"])

    error = json.loads(result.stderr)["error"]
    assert (result.exit_code, error["what"], result.stdout) == (code, what, "")
    assert set(error) == {"what", "where", "remedy"}
    assert "Secret" not in result.stderr


@pytest.mark.parametrize(
    ("fault", "remedy"),
    [
        (VendorFault("too many calls", "beds24", "wait", retry_after=12.2), "wait; try again in 13 s"),
        (VendorFault("too many calls", "beds24", retry_after=5), "try again in 5 s"),
        (
            VendorFault("resting", "beds24", "the next probe is due in 5 s", retry_after=5),
            "the next probe is due in 5 s",
        ),
        (VendorFault("away", "beds24", "look"), "look"),
    ],
)
def test_a_vendor_that_asks_for_time_is_told_with_it(
    fault: VendorFault, remedy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    output.fail(fault, as_json=True)
    assert json.loads(capsys.readouterr().err)["error"]["remedy"] == remedy


def test_a_defect_shows_its_traceback_only_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message of an exception may hold guest data."""
    monkeypatch.setenv(output.DEBUG_VARIABLE, "1")

    assert "Traceback" in CliRunner().invoke(cli, ["end", "defect"]).stderr


@pytest.mark.parametrize("arguments", [["end"], ["nothing"], ["end", "x", "--wrong"]])
def test_usage_errors_have_the_same_shape(arguments: list[str]) -> None:
    """A script reads one kind of error."""
    result = CliRunner().invoke(cli, [*arguments, "--json"])

    assert result.exit_code == output.USAGE
    assert json.loads(result.stderr)["error"]["remedy"]


def test_a_finding_is_no_error() -> None:
    """The document has been printed; only the code tells."""
    result = CliRunner().invoke(cli, ["end", "finding"])

    assert (result.exit_code, result.stderr) == (output.FINDING, "")


def test_a_document_is_one_line_of_json_or_plain_lines() -> None:
    """A pipe gets no boxes and no colours, and a name cannot forge a line."""
    assert json.loads(CliRunner().invoke(cli, ["end", "A\nB", "--json"]).stdout) == {"items": ["A\nB"]}
    assert CliRunner().invoke(cli, ["end", "A\nB"]).stdout == "name\nA B\n"


def test_asking_for_help_is_fine() -> None:
    """--help ends with zero."""
    assert CliRunner().invoke(cli, ["--help"]).exit_code == output.OK


def test_a_fault_reads_as_three_lines_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """People are not shown JSON."""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)

    output.fail(Fault("no such file", "hotel.toml", "create it"))

    assert capsys.readouterr().err.split() == "what: no such file where: hotel.toml remedy: create it".split()
