"""``demo`` shows the main job and checks each result."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from pathlib import Path
from urllib.request import urlopen

import pytest

from florentin_webhooks.events import CATALOGUE
from tests.support.command_line import DEMO, QUICK_DEMO, Program, python, started
from tests.support.fork_server import MODULE
from tests.support.waiting import eventually

WHOLE = ["-m", MODULE, *DEMO.split()[1:]]
BROKEN = """
import sys
from dataclasses import replace
from florentin_webhooks.cli import main
from florentin_webhooks.cli.demo import steps

events, refused, *_ = steps.PARTS.values()
first = refused[0]
steps.PARTS = {
    "events": [step for step in events if step.title == "invoice.created"],
    "refused": (
        replace(first, title="answer", status=201, outcome="processed"),
        replace(first, title="called", runs=("bill",)),
        replace(first, title="state", state="dead"),
        replace(first, title="finished", make=None, event="invoice.created", status=202),
    ),
}
main(["demo", "--once", *sys.argv[1:]])
"""


@pytest.fixture
def temporary(directory: Path) -> dict[str, str | None]:
    """An environment in which everything temporary goes to a directory of this test."""
    return {"TMPDIR": str(directory)}


def left_in(directory: Path) -> list[Path]:
    return list(directory.glob("florentin-demo-*"))


def whole(directory: Path, *words: str) -> Program:
    """Run the whole demonstration."""
    program = python(*WHOLE, *words, cwd=directory, environ={"TMPDIR": str(directory)})
    assert left_in(directory) == []
    return program


def test_all_steps_go_as_expected(directory: Path) -> None:
    program = whole(directory)
    lines = program.data.splitlines()
    assert program.process.returncode == 0, program.data
    assert "27 of 27 steps went as expected" in program.data
    assert all(any(line.startswith(f"ok  {event} ") for line in lines) for event in CATALOGUE)
    assert "NO  " not in program.data
    assert "\x1b" not in program.data
    assert max(map(len, [*lines, *program.talk.splitlines()])) <= 80
    assert re.search(r"web \d+, worker \d+, Redis \d+", program.talk)
    assert program.talk.count("Waiting") == 3
    assert "Warning" not in program.talk
    assert re.search(r"Process \d+ exited with -9. Restarting", program.talk)


def test_json_shows_each_step_and_a_summary(temporary: dict[str, str | None]) -> None:
    program = python("-W", "error", "-c", BROKEN, "--json", environ=temporary)
    *steps, last = [json.loads(line) for line in program.data.splitlines()]
    assert [(step["step"], step["ok"]) for step in steps] == [
        ("invoice.created", True),
        ("answer", False),
        ("called", False),
        ("state", False),
        ("finished", False),
    ]
    assert (steps[0]["status"], steps[0]["outcome"], steps[0]["runs"]) == (
        202,
        "accepted",
        ["bill"],
    )
    assert last["summary"]["ok"] is False


@pytest.mark.long
def test_json_shows_the_same_steps(directory: Path) -> None:
    *steps, last = [json.loads(line) for line in whole(directory, "--json").data.splitlines()]
    assert [step["step"] for step in steps[:10]] == list(CATALOGUE)
    assert [step["problems"] for step in steps if step["problems"] or not step["ok"]] == []
    reported = {
        step["step"]: (step["status"], step["outcome"], step["runs"]) for step in steps[10:]
    }
    assert reported == {
        "duplicate": (200, "duplicate", []),
        "re-stamped retry": (200, "duplicate", []),
        "tampered body": (401, "invalid-signature", []),
        "replay, new delivery id": (200, "duplicate", []),
        "stale event": (400, "stale", []),
        "unknown event": (200, "ignored", []),
        "a handler fails": (500, "handler-failed", ["add_seat", "send_mail"]),
        "the retry": (200, "processed", ["send_mail"]),
        "a charge of Stripe's": (202, "accepted", ["charge"]),
        "its retry": (200, "duplicate", []),
        "curl creates an account": (201, "created", ["call_back"]),
        "Florentin's log": (200, "delivered", []),
        "the worker is killed": (202, "accepted", ["bill"]),
        "a database is away": (202, "accepted", ["meter", "meter", "meter"]),
        "a poison event": (202, "accepted", ["file_terms"] * 3),
        "it is requeued": (None, "accepted", ["file_terms"]),
        "the killed event": (None, "done", ["bill"]),
    }
    states = [step["state"] for step in steps[-7:]]
    assert states == ["queued", "done", "dead", "done", "done", "done", "done"]
    assert steps[-3]["fingerprint"] == steps[-7]["fingerprint"]
    assert steps[-1]["fingerprint"] == steps[-2]["fingerprint"]
    assert last["summary"]["handlers_finished"] == 18
    assert last["summary"]["most_runs_of_a_handler_for_one_delivery"] == 1


def test_unexpected_results_are_shown_folded_and_exit_with_one(
    temporary: dict[str, str | None],
) -> None:
    narrow = {**temporary, "COLUMNS": "40"}
    program = python("-W", "error", "-c", BROKEN, environ=narrow)
    reported = " ".join(program.data.split())
    assert max(map(len, program.data.splitlines())) <= 40
    assert program.process.returncode == 1
    assert all(f"NO {name} " in reported for name in ("answer", "called", "state", "finished"))
    for problem in (
        "status: expected 201, was 200",
        "outcome: expected processed, was duplicate",
        "handlers called: expected bill, was none",
        "state: expected dead, was done",
        "outcome: expected duplicate, was accepted",
        "handlers finished: expected none, was bill",
    ):
        assert f"NOT AS EXPECTED: {problem}" in reported
    assert "1 of 5 steps" in reported


def pasted(program: Program) -> str:
    """What the command that it offers prints, typed into another terminal."""
    command = program.says(r"(?s)(FLORENTIN_WEBHOOK_SECRET=.*?--to \S+)\n")
    shell = ["/bin/sh", "-c", command]
    return subprocess.run(shell, cwd="/", check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 0), pytest.param(signal.SIGTERM, 143, marks=pytest.mark.long)],
)
def test_deliveries_of_the_user_are_shown_until_a_signal(
    number: signal.Signals, code: int, directory: Path, temporary: dict[str, str | None]
) -> None:
    with started(["-W", "error", "-c", QUICK_DEMO], cwd=directory, environ=temporary) as program:
        assert "202 accepted" in pasted(program)
        page = program.says(r"See each delivery, and send more, at (\S+)")
        with urlopen(page) as response:  # noqa: S310 - of this machine.
            assert b"invoice.created</a>" in response.read()
        side = program.says(r"See Florentin's side at (\S+)")
        curl = program.says(r"(?s)(curl -sS -X POST.*?example\"\}')")
        created = subprocess.run(["/bin/sh", "-c", curl], check=True, capture_output=True)
        assert b"Customer created successfully" in created.stdout
        eventually(lambda: "call_back ran: Ada Books" in program.data + program.talk)
        with urlopen(side) as log, urlopen(page) as response:  # noqa: S310 - of this machine.
            assert b"delivered" in log.read()
            assert b"account.created</a>" in response.read()
        assert len(left_in(directory)) == 1
        assert program.end(number) == code
    assert re.search(
        r"^\d\d:\d\d:\d\d accepted \w{32} event=invoice.created", program.data, re.MULTILINE
    )
    assert "Traceback" not in program.talk + program.data
    assert left_in(directory) == []
