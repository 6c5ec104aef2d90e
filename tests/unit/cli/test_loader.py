"""The user's receiver is imported, or the error names the line that fails."""

from __future__ import annotations

import sys
import uuid
from pathlib import Path
from types import SimpleNamespace

import click
import pytest

from florentin_webhooks import Receiver
from florentin_webhooks.cli import main
from florentin_webhooks.cli.errors import CLIError, UsageError
from florentin_webhooks.cli.host import HostProgram
from florentin_webhooks.cli.loader import load
from florentin_webhooks.core.loader import EXTENSION
from tests.support.command_line import python

HOOKS = """
from florentin_webhooks import Receiver
hooks = Receiver("a-secret-of-sixteen-and-more")
class shop:
    inner = hooks
app = object()
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory whose modules are not imported yet."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    return tmp_path


def module(place: Path, code: str) -> str:
    """The name of a new module with *code*."""
    name = f"hooks_{uuid.uuid4().hex}"
    (place / f"{name}.py").write_text(code)
    return name


FACTORY = (
    HOOKS
    + """
class Program:
    def __init__(self, **extensions):
        self.extensions = extensions
empty = Program()
def create_app():
    return Program(florentin_webhooks=hooks)
"""
)


def refusal(app: str) -> tuple[str, str]:
    with pytest.raises(CLIError) as raised:
        load(app)
    return raised.value.message, raised.value.hint


def test_receiver_is_imported_by_its_path(place: Path) -> None:
    name = module(place, HOOKS)
    assert isinstance(load(f"{name}:hooks"), Receiver)
    assert load(f"{name}:shop.inner") is load(f"{name}:hooks")


@pytest.mark.parametrize("app", ["hooks", "shop/hooks.py:hooks", ":hooks", "shop:", "a..b:c", ""])
def test_path_without_module_and_name_is_refused(app: str) -> None:
    with pytest.raises(UsageError, match="is not an import path"):
        load(app)


def test_missing_module_is_named(place: Path) -> None:
    assert "Module 'not_there_at_all' was not found" in refusal("not_there_at_all:hooks")[0]
    name = module(place, HOOKS)
    assert f"Module '{name}.deeper' was not found" in refusal(f"{name}.deeper:hooks")[0]


@pytest.mark.parametrize(
    ("asked", "reported"),
    [("hook", "has no 'hook'"), ("app", "is not a Receiver but of type object")],
)
def test_closest_receiver_is_suggested(asked: str, reported: str, place: Path) -> None:
    name = module(place, HOOKS)
    message, hint = refusal(f"{name}:{asked}")
    assert reported in message
    assert hint.endswith(f"dev {name}:hooks")


def test_module_without_receiver_is_refused(place: Path) -> None:
    assert "Receiver" in refusal(f"{module(place, 'x = 1')}:hooks")[1]


@pytest.mark.parametrize(
    ("code", "reported"),
    [
        ("x = 1\nraise RuntimeError('no luck\\nat all')", "2): RuntimeError: no luck"),
        ("\nraise SystemExit('bye')", "2): SystemExit: bye"),
        ("import a_package_that_is_missing", "1): No module named 'a_package_that_is_missing'"),
        ("\n\ndef (", "3): SyntaxError"),
        ("import json\njson.loads('{')", "JSONDecodeError"),
        (
            HOOKS + "\n@hooks.on('invoice.create')\ndef f(event): ...",
            "8): There is no event 'invoice.create'.",
        ),
    ],
)
def test_failing_import_is_shown_with_its_line(code: str, reported: str, place: Path) -> None:
    name = module(place, code)
    message, _ = refusal(f"{name}:hooks")
    assert reported in message
    assert f"{name}.py:" in message or "JSON" in reported


def test_hint_of_a_failing_configuration_is_kept(place: Path) -> None:
    name = module(place, "from florentin_webhooks import Receiver\nReceiver.from_env({})")
    message, hint = refusal(f"{name}:hooks")
    assert message == f"Cannot import {name} ({place / name}.py:2): No secret is configured."
    assert hint.startswith("Set FLORENTIN_WEBHOOK_SECRET")


def test_factory_is_called(place: Path) -> None:
    name = module(place, FACTORY)
    assert load(f"{name}:create_app") is load(f"{name}:hooks")


@pytest.mark.parametrize(
    ("code", "asked", "reported", "advice"),
    [
        (
            "def create_app():\n    open('/no/such/file')",
            "create_app",
            "create_app failed ({file}:2): FileNotFoundError",
            "Correct that line.",
        ),
        (
            "def create_app(config): ...",
            "create_app",
            "cannot be called without arguments (missing a required argument: 'config')",
            "Name a plain function without parameters that calls it.",
        ),
        (
            "async def create_app(): ...",
            "create_app",
            "is an async function",
            "Name a plain function without parameters that calls it.",
        ),
        (
            "def create_app(): ...",
            "create_app",
            "returned neither a Receiver nor its program, but NoneType",
            "Return one of them.",
        ),
        (
            "class Flask:\n    extensions = {'sqlalchemy': 1}\napp = Flask()",
            "app",
            "leads to a program of type Flask without a receiver",
            "Call FlorentinWebhooks().init_app(app) where it is created.",
        ),
    ],
)
def test_program_without_receiver_is_refused_with_a_hint(
    code: str, asked: str, reported: str, advice: str, place: Path
) -> None:
    name = module(place, code)
    message, hint = refusal(f"{name}:{asked}")
    assert reported.format(file=place / f"{name}.py") in message
    assert hint == advice


def test_receiver_beside_an_empty_program_is_suggested(place: Path) -> None:
    name = module(place, FACTORY)
    assert refusal(f"{name}:empty")[1].endswith(f"dev {name}:hooks")


def test_host_program_decides_where_modules_are_found(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = module(place, HOOKS)
    # An empty entry means the working directory of the test run.
    monkeypatch.setattr(sys, "path", [each for each in sys.path if each])
    with click.Context(main, info_name="flask florentin", obj=HostProgram(f"{name}:hooks")):
        message, hint = refusal(f"{name}:hooks")
    assert f"Module {name!r} was not found" in message
    assert str(place) not in sys.path
    assert hint == "Change to the directory that holds it, or correct the name."


def test_wrong_path_of_a_host_is_corrected_there(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = module(place, HOOKS)
    monkeypatch.syspath_prepend(place)
    with click.Context(main, info_name="flask florentin", obj=HostProgram(f"{name}:hook")):
        reported = refusal(f"{name}:hook")[1]
    assert reported == f"Name {name}:hooks where flask florentin gets its receiver from."


def test_program_of_the_host_is_not_created_again(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = module(place, HOOKS + "def create_app():\n    raise RuntimeError('again')")
    monkeypatch.syspath_prepend(place)
    made = SimpleNamespace(extensions={EXTENSION: Receiver("a-secret-of-sixteen-and-more")})
    preset = HostProgram(f"{name}:create_app", program=lambda: made)
    with click.Context(main, obj=preset):
        assert load(f"{name}:create_app") is made.extensions[EXTENSION]


def test_failing_django_setup_is_shown(place: Path) -> None:
    name = module(place, "1 / 0")
    environ = {"DJANGO_SETTINGS_MODULE": name}
    program = python("-m", "florentin_webhooks", "queue", "shop:hooks", cwd=place, environ=environ)
    assert program.talk == (
        f"error: Cannot set Django up with DJANGO_SETTINGS_MODULE={name} "
        f"({place / name}.py:1): ZeroDivisionError: division by zero.\n"
        "hint: Correct DJANGO_SETTINGS_MODULE, or change to the directory of manage.py.\n"
    )
