"""The group of all commands: closest names, renamed names, and what every error looks like."""

from __future__ import annotations

import errno
import io
import sys

import click
import pytest

from florentin_webhooks.cli import main
from florentin_webhooks.cli.app import COMMANDS, Command, Group
from florentin_webhooks.cli.errors import CLIError
from florentin_webhooks.errors import ConfigurationError, Unavailable
from tests.support.command_line import CliRunner, error, type_in


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_json_color_and_help(name: str) -> None:
    command = main.get_command(click.Context(main), name)
    assert command is not None
    assert command.name == name
    leaves = command.commands.values() if isinstance(command, click.Group) else [command]
    for leaf in leaves:
        assert {"as_json", "color"} <= {parameter.name for parameter in leaf.params}
    assert type_in(name, "--help").exit_code == 0


def test_no_command_shows_the_help() -> None:
    result = type_in()
    assert (result.exit_code, result.stderr) == (0, "")
    assert all(f"  {name} " in result.stdout for name in COMMANDS)


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["evnts"], "florentin-webhooks events"),
        (["qqqq"], "florentin-webhooks --help"),
        (["events", "--jsn"], "florentin-webhooks events --json"),
        (["--versoin"], "florentin-webhooks --version"),
        (["secret", "nwe"], "florentin-webhooks secret new"),
        (["secret"], "florentin-webhooks secret --help"),
        (["sign"], "florentin-webhooks sign --help"),
        (["events", "--color", "red"], "florentin-webhooks events --help"),
        (["trigger", "user.login", "--times", "0"], "florentin-webhooks trigger --help"),
        (["dev", "shop.hooks"], "florentin-webhooks dev shop.hooks:hooks"),
    ],
)
def test_usage_error_has_message_hint_and_code(words: list[str], hint: str) -> None:
    result = type_in(*words)
    assert error(result).endswith(f" hint: Run: {hint}")
    assert (result.exit_code, result.stdout) == (2, "")


@pytest.mark.parametrize(
    ("raised", "shown", "code"),
    [
        (
            ConfigurationError("The key is wrong.", "Correct it."),
            "The key is wrong.|Correct it.",
            2,
        ),
        (Unavailable("The store is away.", "Start it."), "The store is away.|Start it.", 4),
        (ConfigurationError("It is wrong."), "It is wrong.|Run: florentin-webhooks --help", 2),
        (PermissionError(13, "denied"), "[Errno 13] denied.|Run: florentin-webhooks --help", 1),
        (KeyboardInterrupt(), "", 130),
    ],
)
def test_raised_errors_keep_their_message_and_hint(
    raised: BaseException, shown: str, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> None:
        raise raised

    monkeypatch.setattr(click.Group, "invoke", lambda *_: fail(_))
    result = type_in("events")
    message, _, hint = shown.partition("|")
    assert result.exit_code == code
    assert result.stderr == (f"error: {message}\nhint: {hint}\n" if shown else "\n")


def test_renamed_subcommand_runs_with_a_warning() -> None:
    group = Group("dead", renamed={"drop": "discard"})
    group.add_command(click.Command("discard", callback=lambda: click.echo("discarded")))
    result = CliRunner().invoke(group, ["drop"])
    assert result.stdout == "discarded\n"
    assert result.stderr == "warning: dead drop is deprecated; use dead discard.\n"
    assert "drop" not in CliRunner().invoke(group, ["--help"]).stdout


def _echo(worker_class: str) -> None:
    click.echo(worker_class)


@pytest.mark.parametrize("line", [["--class", "fork"], ["--class=fork"]])
def test_renamed_option_is_accepted_with_a_warning(line: list[str]) -> None:
    option = click.Option(["--worker-class"])
    command = Command(
        "worker",
        params=[option],
        callback=_echo,
        renamed={"--class": "--worker-class"},
    )
    result = CliRunner().invoke(command, line)
    assert result.stdout == "fork\n"
    assert result.stderr == "warning: --class is deprecated; use --worker-class.\n"


@pytest.mark.parametrize(
    ("line", "renamed"),
    [
        (["dead", "replay", "nowhere:hooks"], "dead requeue"),
        (["dead", "drop", "nowhere:hooks"], "dead discard"),
        (["worker", "--class", "simple", "nowhere:hooks"], "--worker-class"),
        (["dev", "--data", "here", "nowhere"], "--data-dir"),
    ],
)
def test_names_of_the_last_release_still_work(line: list[str], renamed: str) -> None:
    warning, message, _ = type_in(*line).stderr.splitlines()
    assert warning.startswith("warning: ")
    assert warning.endswith(f"{renamed}.")
    assert "nowhere" in message


def test_closed_output_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    assert main.main(["events"], standalone_mode=False) is None
    for name in ("stdin", "stdout", "stderr"):
        getattr(sys, name).close()


class _Full(io.StringIO):
    """The output to a file on a full disk."""

    def write(self, _: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_full_output_is_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", _Full())
    with pytest.raises(CLIError, match=r"Cannot write the output: No space left") as raised:
        main.main(["events"], standalone_mode=False)
    assert raised.value.hint == "Free space, or write elsewhere."
