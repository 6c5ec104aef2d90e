"""``verify`` names the secret that signed a file, or the cause of a failure."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from florentin_webhooks.signatures import FlorentinSignature
from tests.support.command_line import SECRET, error, type_in

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


def test_signed_file_is_valid(body: Path, headers: Path) -> None:
    result = type_in("verify", str(body), "--headers", str(headers))
    assert result.exit_code == 0
    assert "FLORENTIN_WEBHOOK_SECRET" in result.stdout


def test_standard_input_is_verified(headers: Path) -> None:
    assert type_in("verify", "-", "--headers", str(headers), stdin=BODY).exit_code == 0


def test_signature_is_given_alone_or_as_a_header(body: Path) -> None:
    made = FlorentinSignature(SECRET).verify  # the counterpart, so that both agree on the bytes
    line = next(
        each for each in type_in("sign", str(body)).stdout.splitlines() if "Signature" in each
    )
    value = line.partition(": ")[2]
    assert made([("X-Florentin-Signature", value)], BODY)
    assert type_in("verify", str(body), "--signature", value).exit_code == 0
    assert type_in("verify", str(body), "--header", line).exit_code == 0


def test_matching_secret_is_named(tmp_path: Path, body: Path, headers: Path) -> None:
    files = {"new": "another-secret-of-these-tests", "old": SECRET + "\n"}
    options: list[str] = []
    for name, secret in files.items():
        (tmp_path / name).write_text(secret)
        options += ["--secret-file", str(tmp_path / name)]
    result = type_in("verify", str(body), "--headers", str(headers), "--json", *options)
    assert json.loads(result.stdout)["secret"] == str(tmp_path / "old")


def test_invalid_signature_exits_with_three_and_its_cause(body: Path, headers: Path) -> None:
    body.write_bytes(BODY + b"\n")
    result = type_in("verify", str(body), "--headers", str(headers), "--json")
    reported = json.loads(result.stdout)
    assert result.exit_code == 3
    assert (reported["valid"], reported["reason"]) == (False, "mismatch")
    assert [cause["code"] for cause in reported["causes"]] == ["body-newline"]
    assert "fingerprint" in reported


def test_cause_is_folded_for_the_terminal(body: Path, headers: Path) -> None:
    words = ["verify", str(body), "--headers", str(headers)]
    environ = {"FLORENTIN_WEBHOOK_SECRET": f'"{SECRET}"', "COLUMNS": "40"}
    result = type_in(*words, environ=environ)
    assert result.exit_code == 3
    assert "has quotes around it" in " ".join(result.stdout.split())
    assert max(map(len, result.stdout.splitlines()[1:])) <= 40
    assert SECRET not in result.output


def test_secret_of_the_environment_is_found_as_the_cause(
    tmp_path: Path, body: Path, headers: Path
) -> None:
    (tmp_path / "wrong").write_text("not-the-secret-of-these-tests")
    words = ["verify", str(body), "--headers", str(headers), "--json"]
    result = type_in(*words, "--secret-file", str(tmp_path / "wrong"))
    assert result.exit_code == 3
    assert json.loads(result.stdout)["causes"][0]["code"] == "another-secret"


def test_colour_follows_option_and_environment(body: Path, headers: Path) -> None:
    words = ["verify", str(body), "--headers", str(headers)]
    assert "\x1b[" not in type_in(*words).stdout
    assert "\x1b[" in type_in(*words, "--color", "always").stdout
    assert "\x1b[" in type_in(*words, environ={"FORCE_COLOR": "1"}).stdout
    both = {"FORCE_COLOR": "1", "NO_COLOR": "1"}
    assert "\x1b[" not in type_in(*words, environ=both).stdout


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["-"], "--signature sha256="),
        (["-", "--header", "x"], "--header 'X-Florentin-Signature"),
        (["-", "--headers", "-"], "Use a file for one of the two."),
        (["-", "--signature", "x", "--secret-file", "-"], "Use a file for one of the two."),
        (["/nowhere/body.json", "--signature", "x"], "Name a readable file"),
    ],
)
def test_incomplete_input_is_refused_with_a_hint(words: list[str], hint: str) -> None:
    result = type_in("verify", *words)
    assert hint in error(result)
    assert (result.exit_code, result.stdout) == (2, "")
