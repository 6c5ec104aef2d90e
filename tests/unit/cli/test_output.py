"""Results go to standard output, messages to standard error, colour where it is wanted."""

from __future__ import annotations

import json

import pytest

from florentin_webhooks.cli.formatting.views import Line, Styled
from florentin_webhooks.cli.output import Output, use_color

GREEN = Line([Styled("ok", "green")])


@pytest.mark.parametrize(
    ("option", "environ", "tty", "expected"),
    [
        ("auto", {}, True, True),
        ("auto", {}, False, False),
        ("auto", {"TERM": "dumb"}, True, False),
        ("auto", {"NO_COLOR": "1"}, True, False),
        ("auto", {"NO_COLOR": ""}, True, True),
        ("auto", {"FORCE_COLOR": "1"}, False, True),
        ("auto", {"NO_COLOR": "1", "FORCE_COLOR": "1"}, True, False),
        ("always", {"NO_COLOR": "1"}, False, True),
        ("never", {"FORCE_COLOR": "1"}, True, False),
    ],
)
def test_colour_follows_option_then_environment_then_terminal(
    option: str, environ: dict[str, str], *, tty: bool, expected: bool
) -> None:
    assert use_color(option, environ, tty=tty) is expected


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)


def test_results_are_views_or_json(capsys: pytest.CaptureFixture[str]) -> None:
    Output(json=False, color="auto").emit({"a": 1}, "text", GREEN)
    assert capsys.readouterr().out == "text\nok\n"
    Output(json=True, color="auto").emit({"a": 1}, "text")
    assert json.loads(capsys.readouterr().out) == {"a": 1}


def test_rows_are_one_table_or_json_lines(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [({"n": 1}, ("one", "x")), ({"n": 2}, ("eleven", "y"))]
    assert Output(json=False, color="auto").emit_rows(rows) == 2
    assert capsys.readouterr().out == "one     x\neleven  y\n"
    assert Output(json=True, color="auto").emit_rows(rows) == 2
    assert capsys.readouterr().out == '{"n": 1}\n{"n": 2}\n'
    assert Output(json=False, color="auto").emit_rows([]) == 0
    assert capsys.readouterr().out == ""


def test_messages_go_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    out = Output(json=True, color="auto")
    out.info("a message")
    out.show("for people only")
    assert capsys.readouterr() == ("", "a message\n")


@pytest.mark.parametrize(
    ("color", "environ", "expected"),
    [
        ("auto", {}, "ok\n"),
        ("auto", {"FORCE_COLOR": "1"}, "\x1b[32mok\x1b[0m\n"),
        ("auto", {"FORCE_COLOR": "1", "NO_COLOR": "1"}, "ok\n"),
        ("always", {"NO_COLOR": "1"}, "\x1b[32mok\x1b[0m\n"),
    ],
)
def test_colour_reaches_the_views(
    color: str,
    environ: dict[str, str],
    expected: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    Output(json=False, color=color).emit({}, GREEN)
    assert capsys.readouterr().out == expected


@pytest.mark.parametrize(("columns", "width"), [("40", 40), ("1", 20), ("", 10_000)])
def test_width_is_that_of_the_terminal(
    columns: str, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setattr("sys.__stdout__", None)
    assert Output(json=False, color="auto").width == width
