"""Inside a host program no command asks for APP."""

from __future__ import annotations

from collections.abc import Callable

import click
import pytest
from click.testing import Result

from florentin_webhooks.cli import main
from florentin_webhooks.cli.app import command_tree
from florentin_webhooks.cli.host import HostProgram, current_host
from tests.support.command_line import CliRunner

PATH = "shop_that_is_nowhere:hooks"
DJANGO = "manage.py florentin_webhooks"
WITH_APP = [
    ["dev"],
    ["worker"],
    ["queue"],
    ["deliveries", "list"],
    ["deliveries", "show"],
    ["deliveries", "replay"],
    ["dead", "list"],
    ["dead", "requeue"],
    ["dead", "discard"],
]


class ScriptInfo:
    """The object that Flask keeps in click's context."""


def program(path: str | Callable[[], str] = PATH) -> click.Group:
    """A program such as Flask's, with our commands in it."""
    group = click.Group("flask", context_settings={"obj": ScriptInfo()})
    group.add_command(command_tree(path))
    return group


def in_flask(*line: str) -> Result:
    return CliRunner().invoke(program(), ["florentin", *line])


def in_django(*line: str) -> Result:
    return CliRunner().invoke(main, line, prog_name=DJANGO, obj=HostProgram(PATH))


@pytest.mark.parametrize("line", WITH_APP)
@pytest.mark.parametrize(("start", "words"), [(in_flask, "flask florentin"), (in_django, DJANGO)])
def test_app_argument_is_hidden(start: Callable[..., Result], words: str, line: list[str]) -> None:
    shown = start(*line, "--help").stdout
    assert shown.startswith(f"Usage: {words} {' '.join(line)} [OPTIONS]")
    assert "APP" not in shown
    assert "shop.hooks" not in shown


def test_lists_of_commands_do_not_mention_app() -> None:
    for group in ([], ["deliveries"], ["dead"], ["secret"]):
        assert "APP" not in in_flask(*group, "--help").stdout


@pytest.mark.parametrize("line", WITH_APP)
def test_without_host_app_is_asked_for_and_described(line: list[str]) -> None:
    shown = CliRunner().invoke(main, [*line, "--help"]).stdout
    assert shown.startswith(f"Usage: florentin-webhooks {' '.join(line)} [OPTIONS] APP")
    assert "  APP  The receiver as module:name" in shown
    missing = CliRunner().invoke(main, line).stderr
    assert missing.startswith("error: Missing argument 'APP'.\n")


def test_other_arguments_are_parsed_without_app() -> None:
    assert "Missing argument 'DELIVERY'" in in_django("deliveries", "show").stderr
    assert "unexpected extra argument (b)" in in_django("deliveries", "show", "a", "b").stderr
    assert "Module 'shop_that_is" in in_django("deliveries", "replay", "abcd", "ef01").stderr


@pytest.mark.parametrize(
    ("line", "advice"),
    [
        (["delivery"], " deliveries"),
        (["deliveries", "lst"], " deliveries list"),
        (["worker", "--brst"], " worker --burst"),
        (["deliveries", "show"], " deliveries show --help"),
        (["trigger", "invoice.creatd"], " trigger invoice.created (or add --unknown)"),
        (["events", "invoice.creatd"], " events invoice.created"),
        (["deliveries", "replay"], " deliveries replay --state failed"),
    ],
)
def test_hints_begin_with_the_words_of_the_host(line: list[str], advice: str) -> None:
    assert in_flask(*line).stderr.endswith(f"\nhint: Run: flask florentin{advice}\n")
    assert in_django(*line).stderr.endswith(f"\nhint: Run: {DJANGO}{advice}\n")


def test_version_is_that_of_this_package() -> None:
    assert in_flask("--version").stdout.startswith("florentin-webhooks, version ")


def test_path_is_computed_only_for_commands_that_need_it() -> None:
    contexts: list[object] = []

    def path() -> str:
        contexts.append(click.get_current_context().find_object(ScriptInfo))
        return PATH

    flask = program(path)
    assert CliRunner().invoke(flask, ["florentin", "events"]).exit_code == 0
    assert CliRunner().invoke(flask, ["florentin", "worker", "--help"]).exit_code == 0
    assert contexts == []
    result = CliRunner().invoke(flask, ["florentin", "deliveries", "list"])
    assert "Module 'shop_that_is_nowhere' was not found" in result.stderr
    assert [type(each) for each in contexts] == [ScriptInfo]


def test_no_context_has_no_host() -> None:
    assert current_host() is None
