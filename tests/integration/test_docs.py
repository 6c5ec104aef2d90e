"""The docs are right: code runs, links lead to pages, tables match the code."""

from __future__ import annotations

import importlib
import inspect
import os
import re
from datetime import timedelta
from pathlib import Path
from typing import get_type_hints

import click
import pytest

from florentin_webhooks import MemoryStore, Receiver, RedisStore, RQQueue, Spool, senders
from florentin_webhooks.asgi import WebhookApp, WebhookMiddleware
from florentin_webhooks.cli import main
from florentin_webhooks.core.config.environment import ENVIRONMENT
from florentin_webhooks.django import settings as django_settings
from florentin_webhooks.events import CATALOGUE
from florentin_webhooks.flask import config as flask_config
from florentin_webhooks.protocol.delivery import Outcome
from tests.support.command_line import environment
from tests.support.django_settings import configure
from tests.support.fork_server import Forked, Request
from tests.support.markdown import PAGES, PARSERS, ROOT, Page, module_name, write_modules
from tests.support.senders import CASES

PUBLIC = ["", ".asgi", ".django", ".errors", ".events", ".flask", ".testing"]
"""Modules whose public names users type."""

IMPORTED = (
    "django.contrib.admin",
    "django.test",
    "fastapi",
    "florentin_webhooks.asgi",
    "florentin_webhooks.fastapi",
    "florentin_webhooks.flask",
    "florentin_webhooks.inspector",
    "florentin_webhooks.rq.worker",
    "florentin_webhooks.senders",
    "florentin_webhooks.testing",
    "litestar",
    "pytest",
)
"""Modules that are there already when a page runs."""

NAMED = {page.name: page for page in PAGES}
BLOCKS = [block for page in PAGES for block in page.blocks]
PYTHON = [page for page in PAGES if page.of("python")]


def start(page: Page, modules: Path) -> Forked:
    """Start a program with the Python of *page*, as ``python -W error``."""
    name = f"run_{module_name(page.name)}"
    (modules / f"{name}.py").write_text(program(page))
    environ = environment({"CI": "true"})  # Then hypothesis does not judge a slow machine.
    with (modules / f"{name}.log").open("wb") as log, Path(os.devnull).open("rb") as nothing:
        streams = [nothing.fileno(), log.fileno(), log.fileno()]
        return Forked(Request([], str(modules), environ, name), streams, IMPORTED)


def reported(page: Page, modules: Path) -> str:
    """What its program has written, with the names of pages instead of our modules of them."""
    text = (modules / f"run_{module_name(page.name)}.log").read_text()
    for each in PYTHON:
        module = f"{module_name(each.name)}.py"
        text = text.replace(str(modules / module), each.name).replace(module, each.name)
    return text


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the Python of each page as one module."""
    folder = tmp_path_factory.mktemp("docs")
    for page in PYTHON:
        (folder / f"{module_name(page.name)}.py").write_text(page.python())
    return folder


def program(page: Page) -> str:
    """The page's module; or, where it shows a Django program, the files of that."""
    if "INSTALLED_APPS" not in page.python():
        return f"import {module_name(page.name)}"
    files = re.findall(r"^# (\S+)\.py$", page.python(), re.MULTILINE)
    names = [file.replace("/", ".") for file in files]
    return (
        f"import os, sys; os.chdir('.files'); sys.path.insert(0, os.getcwd())\n"
        f"os.environ['DJANGO_SETTINGS_MODULE'] = {names[0]!r}\n"
        f"import django; django.setup(); import {', '.join(names)}"
    )


@pytest.fixture(scope="module")
def ran(modules: Path) -> dict[str, tuple[int, str]]:
    """What came of the Python of each page; the pages run side by side."""
    write_modules(modules / ".files")
    running = {page: start(page, modules) for page in PYTHON}
    codes = {page: process.wait(120) for page, process in running.items()}
    for process in running.values():
        process.close()
    return {page.name: (code, reported(page, modules)) for page, code in codes.items()}


@pytest.mark.parametrize("page", PYTHON, ids=lambda page: page.name)
def test_python_of_a_page_runs(page: Page, ran: dict[str, tuple[int, str]]) -> None:
    code, written = ran[page.name]
    assert code == 0, written


def test_shown_files_can_be_parsed() -> None:
    for block in BLOCKS:
        if block.language in PARSERS:
            PARSERS[block.language](block.text)


def test_every_block_is_tried() -> None:
    tried = {"python", "console", *PARSERS}
    diagram = re.compile("[─│▼]")  # The only thing that needs no language.
    untried = [block.place for block in BLOCKS if block.language not in tried]
    assert untried == [
        each.place for each in BLOCKS if not each.language and diagram.search(each.text)
    ]


def test_commands_within_sentences_exist() -> None:
    context = click.Context(main)
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for code in (code for page in PAGES for code in page.code()):
        program, _, rest = code.partition(" ")
        word = rest.partition(" ")[0]
        if program == "make":
            assert word in targets, code
        if program in ("florentin-webhooks", "florentin") and word[:1].isalpha():
            assert main.get_command(context, word), code


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_have_targets(page: Page) -> None:
    for link in page.links():
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.path.parent / path).resolve() if path else page.path
        assert target.exists(), link
        assert not anchor or anchor in NAMED[target.relative_to(ROOT).as_posix()].anchors(), link


def test_table_of_outcomes_matches_the_code() -> None:
    rows = NAMED["docs/outcomes.md"].rows()
    reported = {
        name: int(row[0].partition(",")[0]) for name, row in rows.items() if name in set(Outcome)
    }
    assert reported == {outcome.value: outcome.status for outcome in Outcome}


def test_troubleshooting_has_each_outcome_under_its_status() -> None:
    rows = " ".join(NAMED["docs/troubleshooting.md"].rows())
    well = {Outcome.PROCESSED, Outcome.ANSWERED, Outcome.METHOD_NOT_ALLOWED}
    expected = {f"{each.status} {each.value}" for each in set(Outcome) - well}
    assert {each for each in expected if each not in rows} == set()


def test_table_of_events_matches_the_code() -> None:
    rows = NAMED["docs/handlers.md"].rows()
    reported = {name: row for name, row in rows.items() if name in CATALOGUE}
    assert reported == {
        name: [model.__name__, ", ".join(get_type_hints(model)["data"].model_fields)]
        for name, model in CATALOGUE.items()
    }


def test_table_of_senders_matches_the_code() -> None:
    rows = {name: row for name, row in NAMED["docs/senders.md"].rows().items() if len(row) == 5}
    by_class = {type(case.sender).__name__: case for case in CASES}
    assert {*rows, "Svix", "HMACSender"} == {*senders.__all__, "Florentin", "sender"}
    for name in rows.keys() & by_class.keys():
        time, *_, remembered = rows[name]
        count, unit = remembered.split()
        assert time.isascii() is by_class[name].is_timed, name  # Else a dash.
        retention = by_class[name].sender.retention
        assert retention // timedelta(**{f"{unit.rstrip('s')}s": 1}) == int(count), name


def meant(words: str) -> object:
    """The value that *words* in a table stand for."""
    number, _, unit = words.partition(" ")
    if not number.replace(",", "").isdigit():
        return words
    value = int(number.replace(",", ""))
    sizes = {"": value, "MiB": value << 20}
    return sizes[unit] if unit in sizes else timedelta(**{unit: value})


@pytest.mark.parametrize("called", [WebhookApp, WebhookMiddleware])
def test_table_of_a_mount_has_every_argument_with_its_default(called: type) -> None:
    rows = NAMED["docs/operations.md"].rows()
    for name, parameter in inspect.signature(called).parameters.items():
        shown, default = meant(rows[name][0]), parameter.default
        if isinstance(default, float):
            default = timedelta(seconds=default)
        if isinstance(default, str | int | timedelta):
            assert shown == default, name


def test_every_public_name_is_documented() -> None:
    code = "\n".join([*(code for page in PAGES for code in page.code()), *(b.text for b in BLOCKS)])
    documented = set(re.findall(r"\w+", code))
    for module in PUBLIC:
        names = set(importlib.import_module(f"florentin_webhooks{module}").__all__)
        assert names - documented == set(), module
    assert "FlorentinSignature" in documented  # The one of its module that users type.


def test_environment_variables_are_documented() -> None:
    sources = "\n".join(path.read_text() for path in ROOT.glob("florentin_webhooks/**/*.py"))
    pages = (NAMED[f"docs/{name}.md"] for name in ("command-line", "configuration", "flask"))
    rows = {row for page in pages for row in page.rows()}
    of_django = {"FLORENTIN_WEBHOOKS"}  # A setting, not a variable.
    named = set(re.findall(r'"(FLORENTIN_[A-Z_]+)"', sources)) - set(flask_config.KEYS.renamed)
    assert named - rows == of_django


def test_table_of_the_configuration_has_every_key_and_default() -> None:
    configure()
    from florentin_webhooks.django import DjangoStore

    rows = NAMED["docs/configuration.md"].rows()
    options = {key: row for key, row in rows.items() if key.startswith("FLORENTIN_")}
    assert set(options) == set(ENVIRONMENT.fields)
    assert {row[0] for row in options.values()} == set(django_settings.KEYS.fields)
    classes = (Receiver, RedisStore, MemoryStore, DjangoStore, RQQueue, Spool)
    called = {each.__name__: inspect.signature(each).parameters for each in classes}
    # Of RQQueue the name; of stores and spools the place, and the old name of a retention;
    # of a receiver misspelt arguments, which are refused.
    others = {"name", "server", "path", "keep", "unknown"}
    documented = {row[1].rstrip(")").partition("(")[2] for row in options.values()}
    assert {name for parameters in called.values() for name in parameters} - others <= documented
    for key, (_, argument, default, _) in options.items():
        owner, _, name = argument.rstrip(")").partition("(")
        expected = called[owner][name].default
        if isinstance(expected, str | int | timedelta) and not isinstance(expected, bool):
            assert meant(default) == expected, key
