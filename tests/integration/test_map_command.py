"""`map` as a person or a script runs it: files in, one document out, the exit code tells."""

from __future__ import annotations

import itertools
import json
import os
import resource
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from pms_sync.cli.map_command import command
from pms_sync.cli.output import GroupWithFaults

FIXTURES = Path(__file__).parents[1] / "fixtures" / "beds24"
ROOT = Path(__file__).parents[2]
CONTEXT = str(FIXTURES / "context.json")
CLI = GroupWithFaults(commands={"map": command})
PROGRAM = (
    "from pms_sync.cli.map_command import command; from pms_sync.cli.output import GroupWithFaults;"
    "GroupWithFaults(commands={'map': command})()"
)


def run(*arguments: str, stdin: bytes | None = None) -> Result:
    """Run `map beds24` with the rest of a command line."""
    return CliRunner().invoke(CLI, ["map", *arguments], input=stdin)


def error_of(result: Result) -> dict[str, Any]:
    """Read the one error document from stderr."""
    error: dict[str, Any] = json.loads(result.stderr)["error"]
    return error


def test_a_page_becomes_one_document_with_all_five_parts() -> None:
    """PUBLIC_SURFACE: revisions, blocks, events, rejected, unmapped; one bad row is a finding."""
    result = run("beds24", str(FIXTURES / "page_with_one_bad_row.json"), "--context", CONTEXT, "--json")

    expected = json.loads((FIXTURES / "page_with_one_bad_row.expected.json").read_text())
    assert json.loads(result.stdout) == {**expected, "events": []}
    assert (result.exit_code, result.stderr) == (1, "")


def test_a_clean_file_exits_zero_and_may_come_by_stdin() -> None:
    """FILE - is stdin."""
    body = (FIXTURES / "confirmed.json").read_bytes()

    result = run("beds24", "-", "--json", stdin=body)

    assert result.exit_code == 0
    assert json.loads(result.stdout)["revisions"][0]["room_stays"][0]["room_type_ref"] == "55"


def test_a_webhook_body_also_shows_its_event() -> None:
    """The door says what the delivery is about, the mapper what it means."""
    result = run("beds24", str(FIXTURES / "webhook.json"), "--context", CONTEXT, "--webhook", "--json")

    document = json.loads(result.stdout)
    assert document["events"] == [{"stream": "reservations", "ref": "1001", "property_ref": "7"}]
    assert document["revisions"] == json.loads((FIXTURES / "webhook.expected.json").read_text())["revisions"]


def test_without_json_it_reads_as_lines() -> None:
    """One line per room stay and block, then what needs attention."""
    lines = run("beds24", str(FIXTURES / "list_of_two.json"), "--context", CONTEXT).stdout.splitlines()

    assert lines[1].split("\t") == [
        "reservation",
        "1001",
        "confirmed",
        "2026-05-04",
        "2026-05-06",
        "DBL",
        "101",
        "240.00 EUR",
    ]
    assert lines[-1] == "not in the crosswalk: room_type 56"
    block = run("beds24", str(FIXTURES / "black.json")).stdout.splitlines()[1]
    assert block.startswith("block\t1001\towner")


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["beds24", "no-such-file.json"], "cannot read the file"),
        (["beds24", str(FIXTURES)], "cannot read the file"),
        (["beds24", "a\0b"], "cannot read the file"),
        (["nowhere", str(FIXTURES / "confirmed.json")], "no mapper for vendor 'nowhere'"),
        (["beds24", str(FIXTURES / "confirmed.json"), "--context", "no-such-file.json"], "cannot read the file"),
        (["beds24", __file__], "no records to map: not JSON"),
        (["beds24", str(FIXTURES / "confirmed.json"), "--context", __file__], "broken context"),
        (["beds24"], "Missing argument 'FILE'"),
    ],
)
def test_bad_input_is_told_with_place_and_remedy(arguments: list[str], what: str) -> None:
    """Exit 2, nothing on stdout, no traceback."""
    result = run(*arguments, "--json")

    error = error_of(result)
    assert error["what"].startswith(what)
    assert error["where"]
    assert error["remedy"]
    assert (result.exit_code, result.stdout) == (2, "")


@pytest.mark.parametrize(
    ("context", "what"),
    [
        ('{"property":{"timezone":"Europe/Atlantis"}}', "unknown time zone"),
        ('{"property":{"timezone":"../../etc/passwd"}}', "unknown time zone"),
        ('{"property":{"currency":"euro"}}', "unknown currency"),
        ('{"property":{"currency":"QQQ"}}', "unknown currency"),
        ('{"crosswalk":{"room_type":{"55":7}}}', "broken context"),
        ("[]", "broken context"),
        ("", "broken context"),
        ("[" * 100_000, "broken context"),
    ],
    ids=["zone", "zone path", "currency", "no such currency", "code", "list", "empty", "nested"],
)
def test_a_broken_context_is_refused_before_any_record_is_read(tmp_path: Path, context: str, what: str) -> None:
    """A wrong context would give wrong meanings without a word."""
    file = tmp_path / "context.json"
    file.write_text(context)

    result = run("beds24", str(FIXTURES / "confirmed.json"), "--context", str(file), "--json")

    assert result.exit_code == 2
    assert error_of(result)["what"].startswith(what)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"<xml/>", b'{"success":false,"code":401}', b'{"data":[{]}'])
def test_a_body_that_is_no_page_is_bad_input(body: bytes) -> None:
    """Not JSON, cut in the middle, or the vendor's error answer."""
    assert run("beds24", "-", "--json", stdin=body).exit_code == 2


@pytest.mark.parametrize("body", [b"42", b"[1,null,{}]", b'{"data":[[]]}', b'{"id":1}'])
def test_json_that_is_no_booking_is_a_reject_with_its_path(body: bytes) -> None:
    """Every element is answered for by itself."""
    result = run("beds24", "-", "--json", stdin=body)

    assert result.exit_code == 1
    assert all(row["path"] and row["why"] for row in json.loads(result.stdout)["rejected"])


def test_the_servers_time_zone_does_not_matter() -> None:
    """TIM-06, as three processes in three zones: byte-equal documents."""
    file = str(FIXTURES / "spring_night_madrid.json")

    def output_in(zone: str) -> bytes:
        line = [sys.executable, "-c", PROGRAM, "map", "beds24", file, "--context", CONTEXT, "--json"]
        environment = {**os.environ, "TZ": zone}
        return subprocess.run(line, env=environment, cwd=ROOT, check=True, capture_output=True, timeout=60).stdout

    outputs = {output_in(zone) for zone in ("UTC", "Pacific/Kiritimati", "America/New_York")}

    assert len(outputs) == 1
    stay = json.loads(outputs.pop())["revisions"][0]["room_stays"][0]
    assert [night["date"] for night in stay["nights"]] == ["2026-03-28", "2026-03-29"]


XML = {
    "an entity from elsewhere": '<!DOCTYPE r [<!ENTITY x SYSTEM "http://127.0.0.1:{port}/x">]><r>&x;</r>',
    "a definition from elsewhere": '<!DOCTYPE r SYSTEM "http://127.0.0.1:{port}/r.dtd"><r/>',
    "a billion laughs": '<!DOCTYPE r [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in itertools.pairwise("abcdefghij"))
    + "]><r>&j;</r>",
    "swapped namespaces": '<a:r xmlns:a="urn:b" xmlns:b="urn:a"><b:r/></a:r>',
}


@pytest.mark.parametrize("vendor", ["beds24", "mews", "cloudbeds", "opera"])
@pytest.mark.parametrize("kind", XML)
def test_xml_is_refused_unread(vendor: str, kind: str) -> None:
    """MAP-10: every vendor here speaks JSON; nothing is looked up, and nothing grows."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0)
        body = XML[kind].replace("{port}", str(listener.getsockname()[1])).encode()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        result = run(vendor, "-", "--json", stdin=body)
        assert (result.exit_code, result.stdout) == (2, "")
        assert "not JSON" in error_of(result)["what"]
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024
        with pytest.raises(BlockingIOError):
            listener.accept()


@pytest.mark.parametrize("vendor", ["mews", "cloudbeds", "opera"])
def test_a_page_of_rooms_tells_how_they_stand_beside_the_usual_parts(vendor: str) -> None:
    """The list is there only where a file tells of rooms; an unknown word is a finding."""
    result = run(vendor, str(FIXTURES.parent / vendor / "rooms.json"), "--json")
    told = json.loads(result.stdout)
    assert [one["service"] == "in_service" for one in told["room_statuses"]] == [True, False]
    assert told["room_statuses"][0]["condition"] == "dirty"
    assert [one["value"].lower() for one in told["rejected"]] == ["haunted"]
    assert result.exit_code == 1
    assert "dirty" in run(vendor, str(FIXTURES.parent / vendor / "rooms.json")).stdout
