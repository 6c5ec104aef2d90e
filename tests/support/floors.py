"""The lowest versions that pyproject.toml allows, and environments with other versions."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from subprocess import DEVNULL

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXTRAS = ("api", "dev", "django", "fastapi", "flask", "http-signatures")
APART = ("mcp",)
"""Extras that need newer versions of packages than the rest, such as pydantic."""

_FLOOR = re.compile(r"(?P<name>[\w-]+)(?:\[[\w,-]+\])?>=(?P<version>[\w.]+)(?:,<[\w.]+)?")


def lowest_versions() -> list[str]:
    """Return each requirement of the package and its extras at its lowest version.

    Without those in APART; for these see :func:`lowest_of`.
    """
    project = PROJECT["project"]
    extras = [name for name in project["optional-dependencies"] if name not in APART]
    return [*map(_pin, project["dependencies"]), *lowest_of(*extras)]


def lowest_of(*extras: str) -> list[str]:
    """Return each requirement of *extras* at its lowest version."""
    project = PROJECT["project"]
    lines = [line for extra in extras for line in project["optional-dependencies"][extra]]
    return [_pin(line) for line in lines if not line.startswith(project["name"])]


def _pin(line: str) -> str:
    requirement, semicolon, marker = line.partition(";")
    found = _FLOOR.fullmatch(requirement.strip())
    assert found, f"{line} has no lowest version"
    return f"{found['name']}=={found['version']}{semicolon}{marker}"


def interpreters() -> Iterator[str]:
    """Yield the interpreters at hand, from Python 3.11 to 3.14, each version once."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for version in ("3.11", "3.12", "3.13", "3.14"):
        installed = sorted(str(path) for path in pyenv.glob(f"{version}.*/bin/python"))
        found = [shutil.which(f"python{version}") or "", *installed]
        if sys.version.startswith(f"{version}."):
            found.insert(0, sys.executable)
        yield from list(filter(_runs, found))[:1]


def _runs(python: str) -> bool:
    """Return whether *python* starts: a shim of pyenv does so for the chosen version only."""
    words = [python, "-c", ""]
    return bool(python) and subprocess.run(words, check=False, stderr=DEVNULL).returncode == 0


def install(python: str | Path, *words: str | Path) -> None:
    """Install with pip."""
    quiet = (
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--prefer-binary",
        "--no-compile",
    )
    done = subprocess.run(
        [str(python), *quiet, *map(str, words)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def run(python: str | Path, *words: str, **environ: str) -> str:
    """Return what the program prints, which must end well."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("FLORENTIN")}
    done = subprocess.run(
        [str(python), *words],
        cwd=ROOT,
        env={**clean, **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout
