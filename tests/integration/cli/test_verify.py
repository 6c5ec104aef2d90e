"""The commands that need no server, and what all commands have in common."""

from __future__ import annotations

import json
import re
from pathlib import Path

import click
import pytest

from florentin_webhooks.cli import main
from florentin_webhooks.cli.app import COMMANDS
from florentin_webhooks.cli.errors import ExitCode
from florentin_webhooks.events import CATALOGUE, parse_event
from florentin_webhooks.signatures import FlorentinSignature
from tests.support.command_line import SECRET, error, python, type_in

BODY = b'{"event": "invoice.created", "timestamp": "2026-06-06T12:00:00.000Z", "data": {}}'


@pytest.fixture
def body(tmp_path: Path) -> Path:
    path = tmp_path / "body.json"
    path.write_bytes(BODY)
    return path


@pytest.fixture
def headers(tmp_path: Path, body: Path) -> Path:
    path = tmp_path / "headers"
    path.write_text(type_in("sign", str(body)).stdout)
    return path


def test_the_help_names_every_command_and_loads_none_of_what_they_need() -> None:
    heavy = "{'redis', 'rq', 'pydantic', 'starlette', 'uvicorn', 'cryptography', 'asyncio'}"
    show = "from florentin_webhooks.cli import main\nmain(['--help'], standalone_mode=False)"
    program = python("-c", f"import sys\n{show}\nprint('LOADED', {heavy} & set(sys.modules))")
    assert "LOADED set()" in program.data
    assert all(f"  {name} " in program.data for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_json_color_and_help(name: str) -> None:
    command = main.get_command(click.Context(main), name)
    assert command is not None
    assert command.name == name
    leaves = command.commands.values() if isinstance(command, click.Group) else [command]
    for leaf in leaves:
        assert {"as_json", "color"} <= {parameter.name for parameter in leaf.params}
    assert type_in(name, "--help").exit_code == 0


def test_without_a_command_the_help_is_shown() -> None:
    result = type_in()
    assert (result.exit_code, result.stderr) == (0, "")
    assert "Commands:" in result.stdout


def test_it_runs_as_a_module() -> None:
    program = python("-m", "florentin_webhooks", "--version")
    assert re.search(r"\d+\.\d+\.\d+", program.data)
    assert program.process.returncode == 0


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        (["trigger", "invoice.create"], "florentin-webhooks trigger invoice.created"),
        (["events", "invoice.create"], "florentin-webhooks events invoice.created"),
        (["evnts"], "florentin-webhooks events"),
        (["qqqq"], "florentin-webhooks --help"),
        (["events", "--jsn"], "florentin-webhooks events --json"),
        (["--versoin"], "florentin-webhooks --version"),
        (["secret", "nwe"], "florentin-webhooks secret new"),
        (["secret"], "florentin-webhooks secret --help"),
        (["sign"], "florentin-webhooks sign --help"),
        (["events", "--color", "red"], "florentin-webhooks events --help"),
        (["trigger", "user.login", "--times", "0"], "florentin-webhooks trigger --help"),
        (["trigger", "user.login", "--to", "ftp://x"], "--to http"),
        (["trigger", "user.login", "--to", "http://x:99999/"], "--to http"),
        (["trigger", "user.login", "--set", "data"], "--set data.invoice"),
        (["trigger", "a\nb", "--unknown"], "plain letters"),
        (["verify", "-"], "--signature"),
        (["verify", "-", "--header", "x"], "--header"),
        (["verify", "-", "--headers", "-"], "a file for one of the two"),
        (["sign", "/nowhere/body.json"], "a file that is there"),
        (["dev", "shop.hooks"], "dev shop.hooks:hooks"),
    ],
)
def test_a_mistake_is_answered_with_one_sentence_and_the_next_step(
    words: list[str], advice: str
) -> None:
    result = type_in(*words)
    assert advice in error(result)
    assert (result.exit_code, result.stdout) == (2, "")


@pytest.mark.parametrize("secret", ["", " \n", "short", f"{SECRET} "])
def test_a_bad_secret_is_refused_with_a_way_to_a_good_one(secret: str, body: Path) -> None:
    result = type_in("sign", str(body), environ={"FLORENTIN_WEBHOOK_SECRET": secret})
    assert "florentin-webhooks secret new" in error(result)
    assert result.exit_code == 2


def test_a_missing_secret_is_named_by_its_variable(body: Path) -> None:
    result = type_in("sign", str(body), environ={"FLORENTIN_WEBHOOK_SECRET": None})
    assert "export FLORENTIN_WEBHOOK_SECRET=" in error(result)
    assert result.exit_code == 2


def test_the_catalogue_is_listed_for_people_and_for_programs() -> None:
    lines = type_in("events").stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(CATALOGUE)
    told = json.loads(type_in("events", "--json").stdout)
    assert [each["event"] for each in told["events"]] == list(CATALOGUE)
    assert all(each["description"] for each in told["events"])


def test_the_catalogue_fits_a_phone() -> None:
    lines = type_in("events", environ={"COLUMNS": "40"}).stdout.splitlines()
    assert max(map(len, lines)) <= 40


@pytest.mark.parametrize("event", CATALOGUE)
def test_an_event_is_shown_as_a_body_that_can_be_parsed(event: str) -> None:
    shown = json.loads(type_in("events", event).stdout)
    assert type(parse_event(shown)) is CATALOGUE[event]
    assert json.loads(type_in("events", event, "--json").stdout)["sample"]["event"] == event


def test_a_schema_is_shown_for_one_event_and_for_all() -> None:
    one = json.loads(type_in("events", "invoice.created", "--schema").stdout)
    assert one["$defs"]["Invoice"]["properties"]["amount_due"] == {
        "title": "Amount Due",
        "type": "integer",
    }
    told = json.loads(type_in("events", "--schema", "--json").stdout)
    assert told["schemas"]["invoice.created"] == one
    assert list(told["schemas"]) == list(CATALOGUE)


def test_a_file_is_signed_as_florentin_would(body: Path) -> None:
    words = ["sign", str(body), "--json", "--delivery-id", "d-1"]
    headers = json.loads(type_in(*words).stdout)["headers"]
    assert FlorentinSignature(SECRET).verify(headers, BODY) == "secret-1"
    assert headers["X-Florentin-Event"] == "invoice.created"
    assert headers["X-Florentin-Delivery-Id"] == "d-1"


def test_bytes_that_name_no_event_are_signed_under_a_given_name(tmp_path: Path) -> None:
    path = tmp_path / "bytes"
    path.write_bytes(b"\xff\x00")
    assert "--event" in error(type_in("sign", str(path)))
    assert "X-Florentin-Event: a.b\n" in type_in("sign", str(path), "--event", "a.b").stdout


def test_what_was_signed_is_verified(body: Path, headers: Path) -> None:
    result = type_in("verify", str(body), "--headers", str(headers))
    assert result.exit_code == 0
    assert "FLORENTIN_WEBHOOK_SECRET" in result.stdout


def test_standard_input_stands_for_a_file(headers: Path) -> None:
    assert type_in("verify", "-", "--headers", str(headers), stdin=BODY).exit_code == 0


def test_a_signature_can_be_given_alone_or_as_a_header(body: Path) -> None:
    made = FlorentinSignature(SECRET).verify  # the counterpart, so that both agree on the bytes
    line = next(
        each for each in type_in("sign", str(body)).stdout.splitlines() if "Signature" in each
    )
    value = line.partition(": ")[2]
    assert made([("X-Florentin-Signature", value)], BODY)
    assert type_in("verify", str(body), "--signature", value).exit_code == 0
    assert type_in("verify", str(body), "--header", line).exit_code == 0


def test_verifying_names_the_secret_that_matched(tmp_path: Path, body: Path, headers: Path) -> None:
    files = {"new": "another-secret-of-these-tests", "old": SECRET + "\n"}
    options: list[str] = []
    for name, secret in files.items():
        (tmp_path / name).write_text(secret)
        options += ["--secret-file", str(tmp_path / name)]
    result = type_in("verify", str(body), "--headers", str(headers), "--json", *options)
    assert json.loads(result.stdout)["secret"] == str(tmp_path / "old")


def test_a_wrong_signature_ends_with_three_and_its_cause(body: Path, headers: Path) -> None:
    body.write_bytes(BODY + b"\n")
    result = type_in("verify", str(body), "--headers", str(headers), "--json")
    told = json.loads(result.stdout)
    assert result.exit_code == 3
    assert (told["valid"], told["reason"]) == (False, "mismatch")
    assert [cause["code"] for cause in told["causes"]] == ["body-newline"]


def test_a_cause_is_told_to_people_within_their_terminal(body: Path, headers: Path) -> None:
    words = ["verify", str(body), "--headers", str(headers)]
    environ = {"FLORENTIN_WEBHOOK_SECRET": f'"{SECRET}"', "COLUMNS": "40"}
    result = type_in(*words, environ=environ)
    assert result.exit_code == 3
    assert "has quotes around it" in " ".join(result.stdout.split())
    assert max(map(len, result.stdout.splitlines()[1:])) <= 40
    assert SECRET not in result.output


def test_the_secret_in_the_environment_is_recognised_as_the_other_one(
    tmp_path: Path, body: Path, headers: Path
) -> None:
    (tmp_path / "wrong").write_text("not-the-secret-of-these-tests")
    words = ["verify", str(body), "--headers", str(headers), "--json"]
    result = type_in(*words, "--secret-file", str(tmp_path / "wrong"))
    assert result.exit_code == 3
    assert json.loads(result.stdout)["causes"][0]["code"] == "another-secret"


def test_a_new_secret_is_good_and_never_the_same(body: Path) -> None:
    made = {type_in("secret", "new").stdout.strip() for _ in range(3)}
    assert len(made) == 3
    told = json.loads(type_in("secret", "new", "--json").stdout)["secret"]
    signed = type_in("sign", str(body), environ={"FLORENTIN_WEBHOOK_SECRET": told})
    assert signed.exit_code == 0


def test_a_secret_can_come_from_standard_input(body: Path) -> None:
    words = ["sign", str(body), "--secret-file", "-", "--json"]
    environ = {"FLORENTIN_WEBHOOK_SECRET": None}
    result = type_in(*words, stdin=SECRET.encode() + b"\n", environ=environ)
    headers = json.loads(result.stdout)["headers"]
    assert FlorentinSignature(SECRET).verify(headers, BODY)


def test_colour_is_for_those_who_want_it(body: Path, headers: Path) -> None:
    words = ["verify", str(body), "--headers", str(headers)]
    assert "\x1b[" not in type_in(*words).stdout
    assert "\x1b[" in type_in(*words, "--color", "always").stdout
    assert "\x1b[" in type_in(*words, environ={"FORCE_COLOR": "1"}).stdout
    both = {"FORCE_COLOR": "1", "NO_COLOR": "1"}
    assert "\x1b[" not in type_in(*words, environ=both).stdout


def test_every_command_option_and_exit_code_is_documented() -> None:
    page = (Path(__file__).parents[3] / "docs" / "command-line.md").read_text()
    context = click.Context(main)
    for name in COMMANDS:
        command = main.get_command(context, name)
        assert command is not None
        leaves = command.commands.values() if isinstance(command, click.Group) else [command]
        for leaf in leaves:
            title = name if leaf is command else f"{name} {leaf.name}"
            section = page.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
            options = {word for each in leaf.params for word in each.opts if word[:2] == "--"}
            undocumented = {word for word in options - {"--color"} if f"`{word}" not in section}
            assert undocumented == set(), title
    assert all(f"\n| {code.value} |" in page for code in ExitCode)
