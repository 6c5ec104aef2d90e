"""Errors of commands have a message and a hint, and nothing parses them back."""

from __future__ import annotations

from io import StringIO

import click
import pytest

from florentin_webhooks.cli.errors import (
    CLIError,
    ExitCode,
    Interrupted,
    StoreUnavailable,
    UsageError,
    translate_usage_error,
)


def test_error_is_shown_as_message_and_hint() -> None:
    shown = StringIO()
    CLIError("The port is used.", "Use another one.").show(shown)
    assert shown.getvalue() == "error: The port is used.\nhint: Use another one.\n"


def test_text_of_an_error_joins_both() -> None:
    assert str(UsageError("It is wrong.", "Correct it.")) == "It is wrong. Correct it."


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (CLIError, ExitCode.FAILED),
        (UsageError, ExitCode.USAGE),
        (StoreUnavailable, ExitCode.UNREACHABLE),
    ],
)
def test_kinds_have_their_exit_codes(kind: type[CLIError], code: ExitCode) -> None:
    assert kind("It failed.", "Try again.").exit_code == code


def test_interrupt_ends_the_line_and_says_nothing() -> None:
    shown = StringIO()
    Interrupted().show(shown)
    assert (shown.getvalue(), Interrupted.exit_code) == ("\n", 130)


@pytest.mark.parametrize(
    ("raised", "message", "hint"),
    [
        (
            click.NoSuchOption("--jsn", possibilities=["--json"]),
            "There is no option --jsn.",
            "--json",
        ),
        (
            click.NoSuchOption("--data", possibilities=["--stale", "--set"]),
            "There is no option --data.",
            "--help",
        ),
        (click.NoSuchOption("--xyz"), "There is no option --xyz.", "--help"),
        (click.UsageError("missing this"), "Missing this.", "--help"),
        (click.UsageError("Ends already."), "Ends already.", "--help"),
    ],
)
def test_usage_errors_of_click_become_ours(
    raised: click.UsageError, message: str, hint: str
) -> None:
    error = translate_usage_error(raised)
    assert (error.message, error.hint) == (message, f"Run: florentin-webhooks {hint}")
