"""The verdicts of type checkers on this project and on users' programs: right and wrong ones.

Every line in ``tests/typing`` that ends in ``# error`` is flagged by mypy --strict and by pyright
in strict mode; no other line is, nor any Python in the docs. One run of each checks the project
and the programs as their users would. That of pyright is part of `make lint`.
"""

from __future__ import annotations

import fcntl
import json
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.markdown import PAGES, module_name

FOLDER = Path(__file__).parents[1] / "typing"
ROOT = FOLDER.parents[1]
CACHE = ROOT / ".mypy_cache"
PROGRAMS = sorted(FOLDER.glob("*.py"))
TOOLS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
OURS = {"unreachable", "reportDuplicateImport", *TOOLS["mypy"]["enable_error_code"]}
"""The codes of what this project asks of itself beyond ``--strict``, and of no user.

A page of the docs is several files in one, so it imports a name more than once.
"""


class Line(NamedTuple):
    program: str
    number: int
    text: str


class Report(NamedTuple):
    """An error as a checker reports it, at a line of *path*."""

    path: Path
    number: int
    code: str
    message: str


class Verdict(NamedTuple):
    """What one checker flags: lines of the programs, and errors in this project."""

    lines: list[Line]
    project: list[Report]


def lines(program: Path) -> Iterator[Line]:
    text = program.read_text(encoding="utf-8").splitlines()
    return (Line(program.name, number, line.strip()) for number, line in enumerate(text, 1))


MARKED = sorted(
    line for program in PROGRAMS for line in lines(program) if line.text.endswith("# error")
)


def write_programs(folder: Path) -> None:
    """Write the programs and one module for each page, with the line numbers of the page."""
    for program in PROGRAMS:
        shutil.copy(program, folder)
    for page in PAGES:
        if page.of("python"):
            (folder / f"{module_name(page.name)}.py").write_text(page.python())


def pyright_settings() -> dict[str, object]:
    """Return this project's settings, also for the programs beside the settings."""
    ours = TOOLS["pyright"]
    assert ours["typeCheckingMode"] == "strict"
    include = [".", *(str(ROOT / name) for name in ours["include"])]
    return {**ours, "venvPath": str(ROOT), "include": include}


@contextmanager
def mypy_cache() -> Iterator[Path]:
    """Yield mypy's cache to one process at a time; two would lock each other out."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield CACHE


def run(*arguments: str) -> str:
    words = [sys.executable, *arguments]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.stdout


def mypy_reports(folder: Path) -> Iterator[Report]:
    with mypy_cache() as cache:
        options = (f"--cache-dir={cache}", "--output=json", *TOOLS["mypy"]["files"])
        written = run("-m", "mypy", *options, *map(str, sorted(folder.glob("*.py"))))
    for each in map(json.loads, written.splitlines()):
        if each["severity"] == "error":
            yield Report(ROOT / each["file"], each["line"], each["code"], each["message"])


def pyright_reports(folder: Path) -> Iterator[Report]:
    (folder / "pyrightconfig.json").write_text(json.dumps(pyright_settings()))
    settings = ("--pythonpath", sys.executable, "--outputjson", "--project", str(folder))
    for each in json.loads(run("-m", "basedpyright", *settings))["generalDiagnostics"]:
        line = each["range"]["start"]["line"] + 1
        yield Report(Path(each["file"]), line, each.get("rule", ""), each["message"])


CHECKERS = [
    pytest.param(mypy_reports, id="mypy"),
    pytest.param(pyright_reports, id="pyright", marks=pytest.mark.long),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with all programs."""
    folder = tmp_path_factory.mktemp("typing").resolve()
    write_programs(folder)
    return folder


@pytest.fixture(scope="module", params=CHECKERS)
def verdict(request: pytest.FixtureRequest, folder: Path) -> Verdict:
    """Return what a checker flags; each runs once."""
    found: list[Report] = list(request.param(folder))
    # Where nothing has changed, mypy repeats its reports with the paths of an earlier folder.
    theirs = [each for each in found if ROOT not in each.path.parents and each.code not in OURS]
    flagged = {list(lines(folder / each.path.name))[each.number - 1] for each in theirs}
    return Verdict(sorted(flagged), [each for each in found if ROOT in each.path.parents])


def test_checker_flags_exactly_the_marked_lines(verdict: Verdict) -> None:
    assert verdict.lines == MARKED


def test_checker_finds_no_error_in_this_project(verdict: Verdict) -> None:
    assert verdict.project == []


def test_marks_are_in_every_wrong_program_and_in_no_other() -> None:
    marked = {line.program for line in MARKED}
    assert marked == {each.name for each in PROGRAMS if each.name.startswith("wrong_")}


def test_docs_hold_no_marks() -> None:
    assert [page.name for page in PAGES if "# error\n" in page.python()] == []
