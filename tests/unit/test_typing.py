"""The verdicts of type checkers on users' programs: right and wrong ones, and those of the docs.

Every line in ``tests/typing`` that ends in ``# error`` is flagged by mypy --strict and by pyright
in strict mode, and no other line is, nor any Python in the docs. Both run as a user would run
them, without this project's settings.
"""

from __future__ import annotations

import fcntl
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.markdown import PAGES, module_name

FOLDER = Path(__file__).parents[1] / "typing"
ROOT = FOLDER.parents[1]
CACHE = ROOT / ".mypy_cache" / "typing"
PROGRAMS = sorted(FOLDER.glob("*.py"))
SETTINGS = {"typeCheckingMode": "strict", "pythonVersion": "3.11", "include": ["."]}


class Line(NamedTuple):
    program: str
    number: int
    text: str


class Verdicts(NamedTuple):
    mypy: list[Line]
    pyright: list[Line]


def lines(program: Path) -> Iterator[Line]:
    text = program.read_text(encoding="utf-8").splitlines()
    return (Line(program.name, number, line.strip()) for number, line in enumerate(text, 1))


MARKED = sorted(
    line for program in PROGRAMS for line in lines(program) if line.text.endswith("# error")
)


def write_programs(folder: Path) -> list[Path]:
    """Write the programs and one module for each page, with the line numbers of the page."""
    for program in PROGRAMS:
        shutil.copy(program, folder)
    for page in PAGES:
        if page.of("python"):
            (folder / f"{module_name(page.name)}.py").write_text(page.python())
    (folder / "pyrightconfig.json").write_text(json.dumps(SETTINGS))
    return sorted(folder.glob("*.py"))


@contextmanager
def mypy_cache() -> Iterator[Path]:
    """Yield mypy's cache to one process at a time; two would lock each other out."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield CACHE


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> Verdicts:
    """Return the lines that both checkers flag; they run side by side, once."""
    folder = tmp_path_factory.mktemp("typing")
    found = {path.name: list(lines(path)) for path in write_programs(folder)}
    with mypy_cache() as cache:
        options = ("--strict", "--config-file=", f"--cache-dir={cache}", "--output=json")
        mypy = start("-m", "mypy", *options, *(str(folder / name) for name in found))
        settings = ("--pythonpath", sys.executable, "--outputjson", "--project", str(folder))
        pyright = start("-m", "basedpyright", *settings)
        written, errors = zip(mypy.communicate(), pyright.communicate(), strict=True)
    assert errors == ("", "")
    reports = [json.loads(line) for line in written[0].splitlines()]
    diagnostics = json.loads(written[1])["generalDiagnostics"]
    flagged = {(each["file"], each["line"]) for each in reports if each["severity"] == "error"}
    also = {(each["file"], each["range"]["start"]["line"] + 1) for each in diagnostics}
    return Verdicts(
        sorted(found[Path(file).name][number - 1] for file, number in flagged),
        sorted(found[Path(file).name][number - 1] for file, number in also),
    )


def test_mypy_flags_exactly_the_marked_lines(verdicts: Verdicts) -> None:
    assert verdicts.mypy == MARKED


def test_pyright_flags_exactly_the_marked_lines(verdicts: Verdicts) -> None:
    assert verdicts.pyright == MARKED


def test_marks_are_in_every_wrong_program_and_in_no_other() -> None:
    marked = {line.program for line in MARKED}
    assert marked == {each.name for each in PROGRAMS if each.name.startswith("wrong_")}


def test_docs_hold_no_marks() -> None:
    assert [page.name for page in PAGES if "# error\n" in page.python()] == []
