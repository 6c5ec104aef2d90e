"""Inside another program the same tree asks for no APP, and names the words that start it."""

from __future__ import annotations

import os
from collections.abc import Callable

import click
import pytest
from click.testing import CliRunner, Result

from florentin_webhooks.cli import main
from florentin_webhooks.cli.app import command_tree
from florentin_webhooks.cli.host import HostProgram
from florentin_webhooks.cli.invocation import export_pythonpath, suggest, trigger_command

PATH = "shop_that_is_nowhere:hooks"
DJANGO = "manage.py florentin_webhooks"
EVERY = [
    ["dev"],
    ["worker"],
    ["queue"],
    ["deliveries", "list"],
    ["deliveries", "show"],
    ["deliveries", "replay"],
    ["dead", "list"],
    ["dead", "replay"],
    ["dead", "drop"],
]


class ScriptInfo:
    """What another program keeps as its own object, as Flask does."""


def program(path: str | Callable[[], str] = PATH, words: str = "") -> click.Group:
    """Another program, as Flask's, with our tree in it."""
    group = click.Group("flask", context_settings={"obj": ScriptInfo()})
    group.add_command(command_tree(path, words))
    return group


def in_flask(*line: str) -> Result:
    return CliRunner().invoke(program(), ["florentin", *line])


def in_django(*line: str) -> Result:
    return CliRunner().invoke(main, line, prog_name=DJANGO, obj=HostProgram(PATH))


@pytest.mark.parametrize("line", EVERY)
@pytest.mark.parametrize(("start", "words"), [(in_flask, "flask florentin"), (in_django, DJANGO)])
def test_no_command_asks_for_an_app(
    start: Callable[..., Result], words: str, line: list[str]
) -> None:
    told = start(*line, "--help").stdout
    assert told.startswith(f"Usage: {words} {' '.join(line)} [OPTIONS]")
    assert "APP" not in told
    assert "shop.hooks" not in told


def test_no_list_of_commands_speaks_of_an_app() -> None:
    for group in ([], ["deliveries"], ["dead"], ["secret"]):
        assert "APP" not in in_flask(*group, "--help").stdout


def test_without_a_preset_they_ask_as_before() -> None:
    for line in EVERY:
        told = CliRunner().invoke(main, [*line, "--help"]).stdout
        assert told.startswith(f"Usage: florentin-webhooks {' '.join(line)} [OPTIONS] APP")


def test_the_other_arguments_are_read_as_before() -> None:
    assert "missing argument 'FINGERPRINT'" in in_django("deliveries", "show").stderr
    assert "unexpected extra argument (b)" in in_django("deliveries", "show", "a", "b").stderr
    assert "Module 'shop_that_is" in in_django("deliveries", "replay", "abcd", "ef01").stderr


def test_examples_in_the_help_begin_with_the_words_that_start_the_tree() -> None:
    assert "  flask florentin trigger invoice.created --set" in in_flask("trigger", "-h").stdout
    assert f'$({DJANGO} secret new)"' in in_django("secret", "new", "-h").stdout


@pytest.mark.parametrize(
    ("line", "advice"),
    [
        (["delivery"], " deliveries"),
        (["deliveries", "lst"], " deliveries list"),
        (["worker", "--brst"], " worker --burst"),
        (["deliveries", "show"], " deliveries show --help"),
        (
            ["trigger", "invoice.creatd"],
            " trigger invoice.created, or --unknown to send it as it is",
        ),
        (["events", "invoice.creatd"], " events invoice.created"),
        (["deliveries", "replay"], " deliveries replay --state failed"),
    ],
)
def test_the_next_step_begins_with_them(line: list[str], advice: str) -> None:
    assert in_flask(*line).stderr.endswith(f"; try: flask florentin{advice}\n")
    assert in_django(*line).stderr.endswith(f"; try: {DJANGO}{advice}\n")


def test_words_that_click_cannot_know_are_taken_from_the_preset() -> None:
    there = program(words="flask --app shop florentin")
    result = CliRunner().invoke(there, ["florentin", "deliveries", "replay"])
    assert "try: flask --app shop florentin deliveries replay --state" in result.stderr


def test_a_command_to_paste_begins_with_them() -> None:
    with click.Context(main, info_name=DJANGO, obj=HostProgram(PATH)) as context:
        main.parse_args(context, ["demo"])
        told = trigger_command("http://127.0.0.1:1/", "S", "it")
        assert told.startswith(f"S=it \\\n  {DJANGO} trigger invoice.created")
        assert suggest("dead list", app=PATH) == f"{DJANGO} dead list"


def test_the_version_is_that_of_this_package() -> None:
    assert in_flask("--version").stdout.startswith("florentin-webhooks, version ")


def test_a_path_may_be_found_when_a_command_needs_it() -> None:
    asked: list[object] = []

    def path() -> str:
        asked.append(click.get_current_context().find_object(ScriptInfo))
        return PATH

    there = program(path)
    assert CliRunner().invoke(there, ["florentin", "events"]).exit_code == 0
    assert asked == []
    result = CliRunner().invoke(there, ["florentin", "deliveries", "list"])
    assert "Module 'shop_that_is_nowhere' was not found" in result.stderr
    assert [type(each) for each in asked] == [ScriptInfo]


def test_processes_of_ours_look_first_where_a_framework_looks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    monkeypatch.setattr("sys.path", ["/where/manage.py/stands", "/elsewhere"])
    export_pythonpath()
    with click.Context(main, obj=HostProgram(PATH)):
        export_pythonpath()
        export_pythonpath()
        assert os.environ["PYTHONPATH"] == "/where/manage.py/stands:/elsewhere"
