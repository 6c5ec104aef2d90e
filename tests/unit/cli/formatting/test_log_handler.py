"""Log records are lines for people, or JSON."""

from __future__ import annotations

import json
import logging

import pytest

from florentin_webhooks.cli.formatting.log_handler import ConsoleHandler, hide_rq_chatter
from florentin_webhooks.cli.output import Output


def record(
    message: str, level: int = logging.INFO, name: str = "florentin_webhooks"
) -> logging.LogRecord:
    made = logging.LogRecord(name, level, __file__, 1, message, None, None)
    made.outcome = "accepted"
    return made


def handled(record: logging.LogRecord, *, as_json: bool = False) -> None:
    hide_rq_chatter(ConsoleHandler(Output(as_json, "never").emit)).handle(record)


def test_line_has_time_and_message(capsys: pytest.CaptureFixture[str]) -> None:
    handled(record("accepted 3fe77f"))
    clock, message = capsys.readouterr().out.split(" ", 1)
    assert (len(clock), message) == (8, "accepted 3fe77f\n")


def test_line_of_a_warning_names_its_level(capsys: pytest.CaptureFixture[str]) -> None:
    handled(record("slow", logging.WARNING))
    assert capsys.readouterr().out[9:] == "warning: slow\n"


def test_traceback_follows_the_message(capsys: pytest.CaptureFixture[str]) -> None:
    failed = record("it failed", logging.ERROR)
    failed.exc_info = (ValueError, ValueError(), None)
    handled(failed)
    lines = capsys.readouterr().out.splitlines()
    assert (lines[0][9:], lines[1:]) == ("error: it failed", ["ValueError"])


def test_json_has_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    failed = record("it failed", logging.ERROR)
    failed.exc_info = (ValueError, ValueError(), None)
    handled(failed, as_json=True)
    assert json.loads(capsys.readouterr().out)["traceback"] == "ValueError"


@pytest.mark.parametrize("as_json", [False, True])
def test_colours_of_rq_are_removed(as_json: bool, capsys: pytest.CaptureFixture[str]) -> None:
    handled(record("\x1b[32mmail\x1b[39;49;00m: job", name="rq.worker"), as_json=as_json)
    out = capsys.readouterr().out
    assert (json.loads(out)["message"] if as_json else out[9:-1]) == "mail: job"


def test_coloured_chatter_of_rq_is_hidden(capsys: pytest.CaptureFixture[str]) -> None:
    handled(record("mail: \x1b[34mJob OK\x1b[39;49;00m (3fe7)", name="rq.worker"))
    assert capsys.readouterr().out == ""


def test_json_has_the_fields_of_a_delivery(capsys: pytest.CaptureFixture[str]) -> None:
    handled(record("accepted 3fe77f"), as_json=True)
    fields = json.loads(capsys.readouterr().out)
    assert fields["outcome"] == "accepted"
    assert (fields["level"], fields["message"]) == ("info", "accepted 3fe77f")


@pytest.mark.parametrize(
    ("message", "level", "shown"),
    [
        ("*** Listening on florentin...", logging.INFO, False),
        ("Job OK (3fe77f)", logging.INFO, False),
        ("cleaning registries failed", logging.ERROR, True),
        ("Worker started with PID 5", logging.INFO, True),
        ("florentin_webhooks.rq.job.JobFailed: it failed", logging.ERROR, False),
    ],
)
def test_chatter_of_rq_is_hidden(
    message: str, level: int, shown: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    handled(record(message, level, "rq.worker"))
    assert (message in capsys.readouterr().out) is shown
