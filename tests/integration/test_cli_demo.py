"""``demo`` does the main job in front of everybody's eyes, and checks what it shows."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from pathlib import Path

import pytest

from florentin_webhooks.events import CATALOGUE
from tests.helpers.command_line import Program, python, started

DEMO = ["-m", "florentin_webhooks", "demo"]
BROKEN = """
from dataclasses import replace
from florentin_webhooks.cli import main
from florentin_webhooks.cli.demo import script

first, *rest = script.TROUBLE
script.TROUBLE = (replace(first, {change}), *rest)
main(["demo", "--once"])
"""


@pytest.fixture
def temporary(directory: Path) -> dict[str, str | None]:
    """An environment in which everything temporary goes to a directory of this test."""
    return {"TMPDIR": str(directory)}


def left_in(directory: Path) -> list[Path]:
    return list(directory.glob("florentin-demo-*"))


def test_everything_goes_as_expected_and_the_screen_is_not_cluttered(
    directory: Path, temporary: dict[str, str | None]
) -> None:
    program = python(*DEMO, "--once", environ=temporary)
    lines = program.data.splitlines()
    assert program.process.returncode == 0
    assert "18 of 18 requests went as expected" in program.data
    assert all(any(line.startswith(f"ok  {event} ") for line in lines) for event in CATALOGUE)
    assert "NO  " not in program.data
    assert "\x1b" not in program.data
    assert max(map(len, lines)) <= 80
    assert program.talk.splitlines() == [program.says("A receiver at .*")]
    assert left_in(directory) == []


def test_it_is_readable_on_a_phone(temporary: dict[str, str | None]) -> None:
    program = python(*DEMO, "--once", environ={**temporary, "COLUMNS": "40"})
    assert max(map(len, program.data.splitlines())) <= 40
    assert "18 of 18 requests" in program.data


def test_programs_are_told_the_same_as_people(temporary: dict[str, str | None]) -> None:
    program = python(*DEMO, "--once", "--json", environ=temporary)
    *steps, last = [json.loads(line) for line in program.data.splitlines()]
    assert [step["step"] for step in steps[:10]] == list(CATALOGUE)
    assert all(step["ok"] and not step["problems"] for step in steps)
    told = {step["step"]: (step["status"], step["outcome"], step["runs"]) for step in steps[10:]}
    assert told == {
        "duplicate": (200, "duplicate", []),
        "re-stamped retry": (200, "duplicate", []),
        "tampered body": (401, "invalid-signature", []),
        "replay, new delivery id": (200, "duplicate", []),
        "stale event": (400, "stale", []),
        "unknown event": (200, "ignored", []),
        "a handler fails": (500, "handler-failed", ["add_seat", "send_mail"]),
        "the retry": (200, "processed", ["send_mail"]),
    }
    assert last["summary"]["handlers_finished"] == 13
    assert last["summary"]["most_runs_of_a_handler_for_one_delivery"] == 1


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            "status=201, outcome='processed'",
            "status: expected 201, was 200 NOT AS EXPECTED: outcome: expected processed, was",
        ),
        ("runs=('bill',)", "handlers called: expected bill, was none"),
        (
            "make=lambda scene: scene.maker.new('invoice.created')",
            "handlers finished: expected none, was bill",
        ),
    ],
)
def test_what_is_not_as_expected_is_said_and_ends_with_one(
    change: str, told: str, temporary: dict[str, str | None]
) -> None:
    program = python("-c", BROKEN.format(change=change), environ=temporary)
    assert program.process.returncode == 1
    assert told in " ".join(program.data.split())
    assert "NO  duplicate" in program.data
    assert "17 of 18 requests" in program.data


def pasted(program: Program) -> str:
    """What the command that it offers prints, typed into another terminal."""
    command = program.says(r"(?s)(FLORENTIN_WEBHOOK_SECRET=.*?--to \S+)\n")
    shell = ["/bin/sh", "-c", command]
    return subprocess.run(shell, cwd="/", check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, 143)])
def test_it_stays_for_the_reader_and_leaves_nothing_behind(
    number: signal.Signals, code: int, directory: Path, temporary: dict[str, str | None]
) -> None:
    with started(DEMO, cwd=directory, environ=temporary) as program:
        assert "200 processed" in pasted(program)
        assert len(left_in(directory)) == 1
        assert program.end(number) == code
    assert re.search(
        r"^\d\d:\d\d:\d\d processed \w{32} event=invoice.created", program.data, re.MULTILINE
    )
    assert "Traceback" not in program.talk + program.data
    assert left_in(directory) == []
