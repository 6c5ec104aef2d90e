"""The user's receiver is imported, or it is said what is wrong and where."""

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
    """A working directory whose modules nobody has imported before."""
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
    return raised.value.message, raised.value.next_step


def test_a_receiver_is_found_by_its_name(place: Path) -> None:
    name = module(place, HOOKS)
    assert isinstance(load(f"{name}:hooks"), Receiver)
    assert load(f"{name}:shop.inner") is load(f"{name}:hooks")


@pytest.mark.parametrize("app", ["hooks", "shop/hooks.py:hooks", ":hooks", "shop:", "a..b:c", ""])
def test_what_is_not_module_and_name_is_refused(app: str) -> None:
    with pytest.raises(UsageError, match="is not an import path"):
        load(app)


def test_a_module_that_is_not_there_is_named(place: Path) -> None:
    assert "Module 'not_there_at_all' was not found" in refusal("not_there_at_all:hooks")[0]
    name = module(place, HOOKS)
    assert f"Module '{name}.deeper' was not found" in refusal(f"{name}.deeper:hooks")[0]


@pytest.mark.parametrize(
    ("asked", "told"), [("hook", "has no 'hook'"), ("app", "is not a Receiver but of type object")]
)
def test_the_receiver_that_was_meant_is_offered(asked: str, told: str, place: Path) -> None:
    name = module(place, HOOKS)
    message, next_step = refusal(f"{name}:{asked}")
    assert told in message
    assert next_step.endswith(f"dev {name}:hooks")


def test_a_module_without_a_receiver_is_told_what_it_lacks(place: Path) -> None:
    assert "Receiver(...)" in refusal(f"{module(place, 'x = 1')}:hooks")[1]


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("x = 1\nraise RuntimeError('no luck\\nat all')", "2): RuntimeError: no luck"),
        ("\nraise SystemExit('bye')", "2): SystemExit: bye"),
        ("import a_package_that_is_missing", "1): No module named 'a_package_that_is_missing'"),
        ("\n\ndef (", "3): SyntaxError"),
        ("import json\njson.loads('{')", "JSONDecodeError"),
        (
            HOOKS + "\n@hooks.on('invoice.create')\ndef f(event): ...",
            "8): There is no event 'invoice.create'. Did you mean 'invoice.created'?",
        ),
    ],
)
def test_what_goes_wrong_in_the_module_is_told_with_its_place(
    code: str, told: str, place: Path
) -> None:
    name = module(place, code)
    message, _ = refusal(f"{name}:hooks")
    assert told in message
    assert f"{name}.py:" in message or "JSON" in told


def test_a_function_that_makes_the_program_is_called(place: Path) -> None:
    name = module(place, FACTORY)
    assert load(f"{name}:create_app") is load(f"{name}:hooks")


@pytest.mark.parametrize(
    ("code", "asked", "told", "advice"),
    [
        (
            "def create_app():\n    open('/no/such/file')",
            "create_app",
            "create_app gives no receiver ({file}:2): FileNotFoundError",
            "correct that line",
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
def test_a_program_or_its_factory_that_gives_no_receiver_is_told_with_the_next_step(
    code: str, asked: str, told: str, advice: str, place: Path
) -> None:
    name = module(place, code)
    message, next_step = refusal(f"{name}:{asked}")
    assert told.format(file=place / f"{name}.py") in message
    assert next_step == advice


def test_a_receiver_beside_an_empty_program_is_offered(place: Path) -> None:
    name = module(place, FACTORY)
    assert refusal(f"{name}:empty")[1].endswith(f"dev {name}:hooks")


def test_a_framework_says_itself_where_modules_come_from(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = module(place, HOOKS)
    # An empty entry, which stands for the working directory, is whoever's who runs the tests.
    monkeypatch.setattr(sys, "path", [each for each in sys.path if each])
    with click.Context(main, info_name="flask florentin", obj=HostProgram(f"{name}:hooks")):
        message, next_step = refusal(f"{name}:hooks")
    assert f"Module {name!r} was not found" in message
    assert str(place) not in sys.path
    assert next_step == "Change to the directory that holds it, or correct the name."


def test_a_wrong_path_of_a_framework_is_not_something_to_type(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = module(place, HOOKS)
    monkeypatch.syspath_prepend(place)
    with click.Context(main, info_name="flask florentin", obj=HostProgram(f"{name}:hook")):
        told = refusal(f"{name}:hook")[1]
    assert told == f"{name}:hooks, where florentin-webhooks gets its receiver from"


def test_the_program_that_a_framework_has_made_is_not_made_again(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = module(place, HOOKS + "def create_app():\n    raise RuntimeError('again')")
    monkeypatch.syspath_prepend(place)
    made = SimpleNamespace(extensions={EXTENSION: Receiver("a-secret-of-sixteen-and-more")})
    preset = HostProgram(f"{name}:create_app", program=lambda: made)
    with click.Context(main, obj=preset):
        assert load(f"{name}:create_app") is made.extensions[EXTENSION]


def test_a_django_that_cannot_be_set_up_is_told(place: Path) -> None:
    name = module(place, "1 / 0")
    environ = {"DJANGO_SETTINGS_MODULE": name}
    program = python("-m", "florentin_webhooks", "queue", "shop:hooks", cwd=place, environ=environ)
    assert program.talk == (
        f"error: Django cannot be set up with DJANGO_SETTINGS_MODULE={name} "
        f"({place / name}.py:1): ZeroDivisionError: division by zero; "
        "try: correct that, or cd to the directory of manage.py\n"
    )
