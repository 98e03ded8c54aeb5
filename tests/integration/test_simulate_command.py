"""`simulate` and `connectors`: a vendor on a local port, and the suite that every vendor passes."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpx
import pytest

from pms_sync.bootstrap import certifying
from tests.integration.command_line import Machine, ended


@contextmanager
def running(machine: Machine, *words: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run a command that prints a first line and goes on; it is ended at the end in any case."""
    child = machine.start(*words)
    try:
        assert child.stdout is not None
        yield child, child.stdout.readline()
    finally:
        with suppress(ProcessLookupError):
            child.kill()
        child.communicate()


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_a_simulated_vendor_tells_its_address_and_ends_when_asked(bare_machine: Machine, end: signal.Signals) -> None:
    """PUBLIC_SURFACE simulate: {"base_url","credentials"}, and exit 0."""
    with running(bare_machine, "simulate", "beds24", "--port", "0", "--seed", "7", "--json") as (child, line):
        told = json.loads(line)
        assert set(told) == {"base_url", "credentials"}
        token = httpx.get(
            f"{told['base_url']}/authentication/token", headers={"refreshToken": told["credentials"]["refresh_token"]}
        )
        assert token.json()["token"]
        assert "reservations" in httpx.get(f"{told['base_url']}/_sim/truth").json()
        child.send_signal(end)
        rest = ended(child)
    assert (rest.code, rest.stdout, rest.stderr) == (0, "", "")


def test_another_seed_is_another_hotel_and_the_same_one_is_the_same(bare_machine: Machine) -> None:
    def reservations(seed: str) -> Any:
        with running(bare_machine, "simulate", "beds24", "--port", "0", "--seed", seed, "--json") as (_, line):
            found = httpx.get(f"{json.loads(line)['base_url']}/_sim/truth").json()["reservations"]
        return [(one["ref"], one["status"], one["booker"].get("last_name")) for one in found]

    assert reservations("3") == reservations("3") != reservations("9" * 30)


def test_for_eyes_it_is_lines(bare_machine: Machine) -> None:
    with running(bare_machine, "simulate", "beds24", "--port", "0") as (_, line):
        assert line.startswith("base URL: http://127.0.0.1:")


def test_a_port_that_is_taken_is_told(bare_machine: Machine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told = bare_machine.run("simulate", "beds24", "--port", str(port), "--json")
    assert (told.code, told.error["where"]) == (2, "--port")
    assert str(port) in told.error["what"]


@pytest.mark.parametrize("vendor", ["nowhere", "", "\x1b[31m", "../beds24", "x" * 9000])
@pytest.mark.parametrize("words", [("simulate",), ("connectors", "certify"), ("map",)], ids=" ".join)
def test_a_vendor_that_is_not_installed_is_told(bare_machine: Machine, words: tuple[str, ...], vendor: str) -> None:
    file = ("-",) if words == ("map",) else ()
    told = bare_machine.invoke(*words, vendor, *file, "--json")
    assert told.code == 2
    assert "installed: " in told.error["remedy"]
    assert len(told.stderr) < 1000


def test_the_connectors_are_listed_with_what_they_declare(bare_machine: Machine) -> None:
    told = bare_machine.invoke("connectors", "list", "--json").document
    [beds24] = [one for one in told["items"] if one["vendor"] == "beds24"]
    assert (beds24["mapper"], beds24["simulator"]) == (True, True)
    assert "reservations" in beds24["streams"]
    assert beds24["credentials"] == ["refresh_token"]
    assert all(one["quality"] in {"bronze", "silver", "gold", "platinum"} for one in told["items"])
    assert bare_machine.invoke("connectors", "list").stdout.startswith("vendor\tlabel\tquality\t")


@pytest.mark.parametrize("vendor", ["beds24", "cloudbeds", "mews", "opera"])
def test_an_installed_connector_keeps_the_contract(bare_machine: Machine, vendor: str) -> None:
    """PUBLIC_SURFACE connectors certify: no rule is broken, and the evidence is one document."""
    told = bare_machine.run("connectors", "certify", vendor, "--json")
    assert (told.code, told.stderr) == (0, "")
    assert [one for one in told.document["items"] if not one["ok"]] == []
    assert (told.document["ok"], told.document["failed"]) == (True, 0)
    assert told.document["rules"] == len(told.document["items"]) > 20


def test_a_broken_rule_is_a_finding(bare_machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    async def certify(_vendor: str) -> dict[str, Any]:
        item = {"rule": "paging.to_the_end", "ok": False, "detail": "\x1b[31ma page is missing"}
        return {"label": "Innbox", "ok": False, "rules": 1, "failed": 1, "items": [item]}

    monkeypatch.setattr(certifying, "certify", certify)
    told = bare_machine.invoke("connectors", "certify", "innbox")
    assert told.code == 1
    assert "paging.to_the_end\tNO\t [31ma page is missing\n" in told.stdout
    assert told.stdout.endswith("Innbox: 1 rules, 1 broken.\n")
