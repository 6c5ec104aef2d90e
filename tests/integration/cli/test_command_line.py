"""The whole command line: its help, its documentation, and what it imports."""

from __future__ import annotations

import re
from pathlib import Path

import click

from florentin_webhooks.cli import main
from florentin_webhooks.cli.app import COMMANDS
from florentin_webhooks.cli.errors import ExitCode
from tests.support.command_line import python


def test_help_imports_nothing_heavy() -> None:
    heavy = "{'redis', 'rq', 'pydantic', 'starlette', 'uvicorn', 'cryptography', 'asyncio', 'rich'}"
    show = "from florentin_webhooks.cli import main\nmain(['--help'], standalone_mode=False)"
    program = python("-c", f"import sys\n{show}\nprint('LOADED', {heavy} & set(sys.modules))")
    assert "LOADED set()" in program.data
    assert all(f"  {name} " in program.data for name in COMMANDS)


def test_package_runs_as_a_module() -> None:
    program = python("-m", "florentin_webhooks", "--version")
    assert re.search(r"\d+\.\d+\.\d+", program.data)
    assert program.process.returncode == 0


def test_every_option_and_exit_code_is_documented() -> None:
    page = (Path(__file__).parents[3] / "docs" / "command-line.md").read_text()
    context = click.Context(main)
    for name in COMMANDS:
        command = main.get_command(context, name)
        assert command is not None
        leaves = command.commands.values() if isinstance(command, click.Group) else [command]
        for leaf in leaves:
            title = name if leaf is command else f"{name} {leaf.name}"
            section = page.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
            options = {
                word
                for each in leaf.params
                if not getattr(each, "hidden", False)
                for word in each.opts
                if word[:2] == "--"
            }
            undocumented = {word for word in options - {"--color"} if f"`{word}" not in section}
            assert undocumented == set(), title
    assert all(f"\n| {code.value} |" in page for code in ExitCode)


ON_WEB_PATH = (
    "florentin_webhooks",
    "florentin_webhooks.asgi",
    "florentin_webhooks.core.wsgi",
    "florentin_webhooks.fastapi",
    "florentin_webhooks.django",
    "florentin_webhooks.django.urls",
    "florentin_webhooks.django.views",
    "florentin_webhooks.testing",
    "florentin_webhooks.rq",
)
IMPORT_EACH = f"""
import importlib, os, sys
from django.conf import settings
import django.urls, django.views, starlette.routing
settings.configure()
for module in {ON_WEB_PATH}:
    if not os.fork():
        importlib.import_module(module)
        unwanted = {{'rich', 'watchfiles', 'click', 'uvicorn', 'florentin_webhooks.cli'}}
        print(module, unwanted & set(sys.modules))
        break
    os.wait()
"""


def test_web_path_imports_no_command_line() -> None:
    program = python("-c", IMPORT_EACH)
    assert program.data.splitlines() == [f"{module} set()" for module in ON_WEB_PATH], program.talk


def test_flask_imports_no_layout_and_no_commands() -> None:
    # Flask itself needs click, and gets our commands for its own command line.
    code = "import sys, florentin_webhooks.flask\n"
    used = "{'rich', 'watchfiles', 'uvicorn', 'florentin_webhooks.cli.commands'}"
    program = python("-c", f"{code}print('LOADED', {used} & set(sys.modules))")
    assert "LOADED set()" in program.data, program.talk


def without_rich(*line: str) -> str:
    """What the command prints where rich cannot be imported."""
    code = f"import sys\nsys.modules['rich'] = None\nsys.argv[1:] = {list(line)}\n"
    run = "from florentin_webhooks.cli import main\nmain(prog_name='florentin-webhooks')"
    environ = {"COLUMNS": "40", "FORCE_COLOR": "1"}
    return python("-W", "error", "-c", code + run, environ=environ).data


def test_without_rich_tables_are_plain_lines() -> None:
    first, *_ = without_rich("events").splitlines()
    assert first == "account.created  A new account exists."


def test_without_rich_prose_is_not_folded(tmp_path: Path) -> None:
    (tmp_path / "body").write_bytes(b"{}")
    shown = without_rich("verify", str(tmp_path / "body"), "--signature", "sha256=0")
    assert shown.startswith("invalid: the signature does not match any secret\n  ")
    assert len(shown.splitlines()) == 2
    assert "\x1b" not in shown
