"""Commands that hints name, and command lines of child processes."""

from __future__ import annotations

import os
import sys

import click
import pytest

from florentin_webhooks.cli import main
from florentin_webhooks.cli.host import HostProgram
from florentin_webhooks.cli.invocation import (
    command_path,
    command_prefix,
    export_pythonpath,
    program_name,
    self_command,
    suggest,
    trigger_command,
)

PATH = "shop.hooks:hooks"
DJANGO = "manage.py florentin_webhooks"


def test_suggestion_names_app_only_without_host() -> None:
    assert suggest("queue", app=PATH) == f"florentin-webhooks queue {PATH}"
    with click.Context(main, info_name=DJANGO, obj=HostProgram(PATH)):
        assert suggest("dead list", "--json", app=PATH) == f"{DJANGO} dead list --json"


def test_prefix_ends_at_the_group_inside_another_program() -> None:
    flask = click.Context(click.Group("flask"), info_name="flask")
    tree = click.Context(main, parent=flask, info_name="florentin", obj=HostProgram(PATH))
    with click.Context(main, parent=tree, info_name="worker"):
        assert command_prefix() == "flask florentin"


def test_prefix_keeps_the_options_of_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["flask", "--app", "my shop", "florentin", "worker"])
    flask = click.Context(click.Group("flask"), info_name="flask")
    tree = click.Context(main, parent=flask, info_name="florentin", obj=HostProgram(PATH))
    with click.Context(main, parent=tree, info_name="worker"):
        assert command_prefix() == "flask --app 'my shop' florentin"
        assert suggest("dead list", app=PATH) == "flask --app 'my shop' florentin dead list"
        below = click.Context(click.Group("dead"), parent=tree, info_name="dead")
        assert command_path(below) == "flask --app 'my shop' florentin dead"


def test_prefix_is_the_words_that_the_host_names() -> None:
    host = HostProgram(PATH, words="python manage.py florentin_webhooks")
    with click.Context(main, info_name=DJANGO, obj=host):
        assert command_prefix() == "python manage.py florentin_webhooks"


@pytest.mark.parametrize(
    ("started", "name"),
    [
        ("/venv/bin/florentin-webhooks", "/venv/bin/florentin-webhooks"),
        ("/src/florentin_webhooks/__main__.py", f"{sys.executable} -m florentin_webhooks"),
        ("-c", "florentin-webhooks"),
    ],
)
def test_program_name_works_in_a_new_terminal(
    started: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", [started])
    assert program_name() == name


def test_program_on_the_path_is_named_without_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/bin/florentin"])
    monkeypatch.setattr("shutil.which", {"florentin": "/bin/florentin"}.get)
    assert program_name() == "florentin"


def test_trigger_command_begins_with_the_words_of_the_host() -> None:
    with click.Context(main, info_name=DJANGO, obj=HostProgram(PATH)):
        command = trigger_command("http://127.0.0.1:1/", "S", "it")
    assert command.startswith(f"S=it \\\n  {DJANGO} trigger invoice.created")


def test_trigger_command_quotes_the_secret() -> None:
    assert trigger_command("http://x/", "S", "a b").startswith("S='a b' ")
    assert "S=" not in trigger_command("http://x/", "S", None)


def test_child_gets_the_warning_filters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "warnoptions", ["error"])
    expected = [sys.executable, "-Werror", "-m", "florentin_webhooks", "queue"]
    assert self_command("queue") == expected
    assert self_command(module="other")[-1] == "other"


def test_child_searches_the_directory_of_the_host_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    monkeypatch.setattr("sys.path", ["/directory/of/manage.py", "/elsewhere"])
    export_pythonpath()
    assert os.environ["PYTHONPATH"] == "/elsewhere"
    with click.Context(main, obj=HostProgram(PATH)):
        export_pythonpath()
        export_pythonpath()
    assert os.environ["PYTHONPATH"] == "/directory/of/manage.py:/elsewhere"


def test_trigger_command_names_the_receiver_of_another_sender() -> None:
    command = trigger_command("http://x/", "S", None, "charge.*", "shop.hooks:stripe")
    assert " trigger charge.* --app shop.hooks:stripe " in command
