"""The verdicts of type checkers on users' programs, right and wrong ones (tests/typing).

Every line that ends in ``# error`` is flagged by mypy --strict and by pyright in strict mode, and
no other line is. Both run as a user would run them, without this project's settings.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.support.type_checkers import mypy_cache

FOLDER = Path(__file__).parents[1] / "typing"
ROOT = FOLDER.parents[1]
PROGRAMS = sorted(FOLDER.glob("*.py"))


class Line(NamedTuple):
    program: str
    number: int
    text: str


class Verdicts(NamedTuple):
    mypy: set[Line]
    pyright: set[Line]


def lines(program: Path) -> Iterator[Line]:
    text = program.read_text(encoding="utf-8").splitlines()
    return (Line(program.name, number, line.strip()) for number, line in enumerate(text, 1))


ALL = [line for program in PROGRAMS for line in lines(program)]
MARKED = {line for line in ALL if line.text.endswith("# error")}


@pytest.fixture(scope="module")
def verdicts() -> Verdicts:
    """What both checkers flag; they run side by side, once."""
    with mypy_cache() as cache:
        checkers = [_start(*command) for command in (_mypy(cache), _pyright())]
        mypy, pyright = (checker.communicate() for checker in checkers)
    assert (mypy[1], pyright[1]) == ("", "")
    reports = [json.loads(line) for line in mypy[0].splitlines()]
    diagnostics = json.loads(pyright[0])["generalDiagnostics"]
    return Verdicts(
        {_line(each["file"], each["line"]) for each in reports if each["severity"] == "error"},
        {_line(each["file"], each["range"]["start"]["line"] + 1) for each in diagnostics},
    )


def _mypy(cache: Path) -> tuple[str, ...]:
    options = ("--strict", "--config-file=", f"--cache-dir={cache}", "--output=json")
    return ("-m", "mypy", *options, *map(str, PROGRAMS))


def _pyright() -> tuple[str, ...]:
    settings = FOLDER / "pyrightconfig.json"
    options = ("--pythonpath", sys.executable, "--outputjson", "--project", str(settings))
    return ("-m", "basedpyright", *options)


def _start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _line(file: str, number: Any) -> Line:  # Any: JSON.
    text = (ROOT / file).read_text(encoding="utf-8").splitlines()
    return Line(Path(file).name, number, text[number - 1].strip())


def test_mypy_flags_the_marked_lines_and_no_others(verdicts: Verdicts) -> None:
    assert sorted(verdicts.mypy) == sorted(MARKED)


def test_pyright_flags_the_marked_lines_and_no_others(verdicts: Verdicts) -> None:
    assert sorted(verdicts.pyright) == sorted(MARKED)


def test_marks_stand_in_every_wrong_program_and_in_no_right_one() -> None:
    marked = {line.program for line in MARKED}
    assert marked == {each.name for each in PROGRAMS if each.name.startswith("wrong_")}
