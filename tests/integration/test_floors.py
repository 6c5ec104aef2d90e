"""The lowest allowed versions of everything work together, and the newest on each Python."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.support.floors import (
    EXTRAS,
    ROOT,
    install,
    interpreters,
    lowest_of,
    lowest_versions,
    run,
)

IMPORT_ALL = """
import sys
from importlib import import_module
from pathlib import Path
import django
from django.conf import settings

settings.configure(INSTALLED_APPS=["django.contrib.admin", "django.contrib.auth",
    "django.contrib.contenttypes", "florentin_webhooks.django"])
django.setup()
for path in sorted(Path("florentin_webhooks").rglob("*.py")):
    words = [word for word in path.with_suffix("").parts if word != "__init__"]
    if not {"__main__", "renamed", "demo", "mcp"} & set(words):
        import_module(".".join(words))
import click, starlette, redis
print(*(Path(module.__file__).parents[1] for module in (click, starlette, redis)), sep="\\n")
"""
COMMANDS = """
import sys
from click.testing import CliRunner
from florentin_webhooks.cli import main
from florentin_webhooks.cli.app import COMMANDS

for name in COMMANDS:
    result = CliRunner().invoke(main, [name, "--help"])
    assert result.exit_code == 0, (name, result.output, result.exception)
"""
NEED_TOOLS = ["test_structure.py", "test_typing.py"]
"""Unit tests that run the tools of the group lint, on this source and not on installed versions."""
NEED_SDK = ["test_public_names.py", "mcp"]
"""Unit tests that import the SDK of the Model Context Protocol, which needs a newer pydantic."""
# What one old package says of another, newer one.
OLD = ["-W", "ignore:The anyio.abc.BlockingPortal alias:DeprecationWarning"]
CLICKS = ["8.1.8", *(pytest.param(each, marks=pytest.mark.long) for each in ("8.3.1", "8.4.0"))]


def check_demo(python: Path) -> None:
    lines = run(python, "-m", "florentin_webhooks", "demo", "--once", "--json")
    assert json.loads(lines.splitlines()[-1])["summary"]["ok"] is True


def test_lowest_versions_resolve(tmp_path: Path) -> None:
    install(sys.executable, "--dry-run", "--target", tmp_path, *lowest_versions())


@pytest.mark.long
def test_lowest_versions_resolve_and_can_be_imported(tmp_path: Path) -> None:
    install(sys.executable, "--target", tmp_path, *lowest_versions())
    environ = {"PYTHONPATH": str(tmp_path)}
    assert set(run(sys.executable, "-c", IMPORT_ALL, **environ).split()) == {str(tmp_path)}


@pytest.mark.parametrize("version", CLICKS)
def test_every_command_works_with_each_click(version: str, tmp_path: Path) -> None:
    install(sys.executable, "--no-deps", "--target", tmp_path, f"click=={version}")
    run(sys.executable, "-c", COMMANDS, PYTHONPATH=str(tmp_path))


@pytest.mark.long
def test_lowest_versions_pass_demo_and_unit_tests(tmp_path: Path) -> None:
    check_environment(sys.executable, lowest_versions(), tmp_path)


@pytest.mark.long
def test_newest_versions_pass_demo_and_unit_tests_on_each_python(tmp_path: Path) -> None:
    for number, python in enumerate(interpreters()):
        check_environment(python, [], tmp_path / str(number))


def check_environment(python: str, pins: list[str], folder: Path) -> None:
    """Run demo and unit tests in a new environment."""
    run(python, "-m", "venv", str(folder / "venv"))
    own = folder / "venv" / "bin" / "python"
    install(own, "--upgrade", "pip")
    names = ["test"] if pins else ["test", "agents"]
    groups = [word for name in names for word in ("--group", f"{ROOT}/pyproject.toml:{name}")]
    install(own, f"{ROOT}[{','.join(EXTRAS)}]", *pins, *groups)
    check_demo(own)
    words = [f"--ignore=tests/unit/{name}" for name in NEED_TOOLS + NEED_SDK * bool(pins)]
    run(own, "-m", "pytest", "-q", "--processes=2", "tests/unit", *words, *OLD * bool(pins))


@pytest.mark.long
def test_lowest_version_of_the_sdk_serves_agents(tmp_path: Path) -> None:
    run(sys.executable, "-m", "venv", str(tmp_path / "venv"))
    own = tmp_path / "venv" / "bin" / "python"
    install(own, "--upgrade", "pip")
    group = ["--group", f"{ROOT}/pyproject.toml:test"]
    install(own, f"{ROOT}[dev]", *lowest_of("mcp"), *group)
    run(own, "-m", "pytest", "-q", "tests/unit/mcp", "tests/integration/cli/test_mcp.py")
