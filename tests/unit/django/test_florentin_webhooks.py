"""``manage.py florentin_webhooks``: the command line on the receiver of the settings."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from click import ClickException
from django.core.management import CommandError, ManagementUtility, call_command

from florentin_webhooks.cli.app import COMMANDS
from florentin_webhooks.testing import Provider
from tests.support.django_settings import described
from tests.support.vectors import SECRET

NAME = "florentin_webhooks"


@pytest.fixture(autouse=True)
def _django(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("FLORENTIN_WEBHOOK_SECRET", SECRET)
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    with described({"SECRETS": SECRET, "STORE": "memory"}):
        yield


def typed(*words: str, program: str = "manage.py") -> int:
    """The exit code of ``manage.py`` *words*."""
    with pytest.raises(SystemExit) as ended:
        ManagementUtility([program, *words]).execute()
    return int(ended.value.code or 0)


def test_a_command_prints_its_data(capsys: pytest.CaptureFixture[str]) -> None:
    assert typed(NAME, "events", "--json") == 0
    assert json.loads(capsys.readouterr().out)["events"][0]["event"] == "account.created"


@pytest.mark.parametrize("words", [[NAME, "--help"], [NAME], ["help", NAME]])
def test_the_help_is_that_of_the_command_line(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    if words[0] == "help":
        ManagementUtility(["/srv/shop/manage.py", *words]).execute()
    else:
        assert typed(*words, program="/srv/shop/manage.py") == 0
    reported = capsys.readouterr().out
    assert reported.startswith(f"Usage: manage.py {NAME} [OPTIONS] ")
    assert all(command in reported for command in COMMANDS)


def test_settings_sign_and_verify_without_a_variable(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FLORENTIN_WEBHOOK_SECRET")
    made = Provider(SECRET).make("user.login")
    (tmp_path / "body").write_bytes(made.body)
    signature = made.headers["X-Florentin-Signature"]
    words = (str(tmp_path / "body"), "--signature", signature)
    assert typed(NAME, "verify", *words, "--json") == 0
    assert json.loads(capsys.readouterr().out)["valid"] is True
    assert typed(NAME, "sign", str(tmp_path / "body")) == 0
    assert signature in capsys.readouterr().out


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("manage.py", f"python manage.py {NAME}"),
        ("back end/manage.py", f"python 'back end/manage.py' {NAME}"),
        ("/venv/bin/django-admin", f"django-admin {NAME}"),
        ("django/__main__.py", f"python -m django {NAME}"),
    ],
)
def test_hints_can_be_pasted(program: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert typed(NAME, "trigger", "user.logn", program=program) == 2
    assert f"hint: Run: {words} trigger user.login" in capsys.readouterr().err


def test_help_of_a_command_shows_how_it_was_started(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert typed(NAME, "deliveries", "list", "--help", program="django/__main__.py") == 0
    assert capsys.readouterr().out.startswith(f"Usage: python -m django {NAME} deliveries list")


def test_a_failure_is_one_sentence_and_its_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert typed(NAME, "delivery") == 2
    assert capsys.readouterr().err == (
        f"error: There is no command 'delivery'.\nhint: Run: python manage.py {NAME} deliveries\n"
    )


@pytest.mark.parametrize(
    "options",
    [
        ["--settings", "elsewhere"],
        ["--settings=elsewhere", "--pythonpath", "."],
        ["--no-color", "-v", "2"],
        ["--force-color", "--skip-checks", "--verbosity=0"],
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_the_options_of_django_do_no_harm_wherever_they_stand(
    options: list[str],
    first: bool,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "")  # Which Django sets.
    monkeypatch.setattr(sys, "path", [*sys.path])  # And this it prepends to.
    words = [NAME, *options, "secret", "new"] if first else [NAME, "secret", "new", *options]
    assert typed(*words) == 0
    assert len(capsys.readouterr().out.strip()) > 16


def test_our_own_options_are_not_taken_for_those_of_django(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert typed(NAME, "trigger", "--set", "data.x=1", "--no-colour") == 2
    assert "There is no option --no-colour." in capsys.readouterr().err


def test_colours_follow_django_options(capsys: pytest.CaptureFixture[str]) -> None:
    seen: list[tuple[str | None, str | None]] = []

    def look(*_: object, **__: object) -> int:
        seen.append((os.environ.get("NO_COLOR"), os.environ.get("FORCE_COLOR")))
        return 0

    from florentin_webhooks.cli import main

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(main, "main", look)
        for options in ([], ["--no-color"], ["--force-color"]):
            call_command(NAME, "events", *options)
    assert seen == [(None, None), ("1", None), (None, "1")]
    assert "NO_COLOR" not in os.environ
    assert capsys.readouterr().out == ""


def test_programs_get_the_output_where_they_want_it() -> None:
    out, err = StringIO(), StringIO()
    call_command(NAME, "events", "--json", stdout=out, stderr=err)
    assert len(json.loads(out.getvalue())["events"]) == 10
    assert err.getvalue() == ""


def test_programs_get_an_error_with_the_exit_code() -> None:
    with pytest.raises(CommandError, match="no command 'delivery'") as raised:
        call_command(NAME, "delivery")
    assert raised.value.returncode == 2


def test_programs_get_an_error_for_an_exit_code_without_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from florentin_webhooks.cli import main

    monkeypatch.setattr(main, "main", lambda *_, **__: 1)
    with pytest.raises(CommandError, match=f"manage.py {NAME} worker exited with 1") as raised:
        call_command(NAME, "worker")
    assert raised.value.returncode == 1


def test_traceback_is_available_on_request() -> None:
    with pytest.raises(ClickException):
        ManagementUtility(["manage.py", NAME, "delivery", "--traceback"]).execute()


def test_the_commands_work_on_the_receiver_of_the_settings(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert typed(NAME, "deliveries", "list") == 2
    assert "florentin_webhooks.django:hooks" in capsys.readouterr().err
