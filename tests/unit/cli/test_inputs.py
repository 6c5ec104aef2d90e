"""Headers and secrets are read from files, standard input and the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from florentin_webhooks.cli.errors import UsageError
from florentin_webhooks.cli.inputs import (
    parse_header,
    parse_headers,
    read_input,
    read_secrets,
    read_strong_secret,
    refuse_shared_stdin,
)

VARIABLE = "FLORENTIN_WEBHOOK_SECRET"
SECRET = "a-secret-of-sixteen-and-more"


@pytest.fixture(autouse=True)
def _without_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


def test_headers_are_read_from_lines_from_curl_and_from_json() -> None:
    expected = [("X-A", "1"), ("X-B", "2: 3")]
    assert parse_headers(b"X-A: 1\nX-B: 2: 3\n") == expected
    assert parse_headers(b"POST /x HTTP/1.1\r\nX-A: 1\r\nX-B: 2: 3\r\n\r\n") == expected
    assert parse_headers(b"> POST /x HTTP/1.1\n> X-A: 1\n> X-B: 2: 3\n>\n") == expected
    assert parse_headers(b'{"headers": {"X-A": "1", "X-B": "2: 3"}}') == expected
    assert parse_headers(b'{"X-A": "1", "X-B": "2: 3"}') == expected


def test_only_a_newline_ends_a_header() -> None:
    value = "one\u2028line\x0bof\x85text"
    assert parse_headers(f"X-A: {value}\n".encode()) == [("X-A", value)]


@pytest.mark.parametrize("content", [b"nonsense", b": 1", b"{", b'{"headers": 1}'])
def test_invalid_headers_are_refused(content: bytes) -> None:
    with pytest.raises(UsageError):
        parse_headers(content)


def test_long_invalid_header_is_cut() -> None:
    with pytest.raises(UsageError) as raised:
        parse_header("x" * 500)
    assert len(raised.value.message) < 80


def test_unreadable_file_is_named() -> None:
    with pytest.raises(UsageError, match=r"Cannot read /nowhere/body.json: No such file"):
        read_input("/nowhere/body.json")


def test_standard_input_is_used_once_at_most() -> None:
    refuse_shared_stdin("-", None, "file")
    with pytest.raises(UsageError, match="Use a file for one of the two"):
        refuse_shared_stdin("-", "file", "-")


def test_secret_of_the_environment_has_the_name_of_its_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(VARIABLE, SECRET)
    assert read_secrets([]) == {VARIABLE: SECRET.encode()}


def test_secret_file_replaces_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "another-secret-of-mine")
    path = tmp_path / "secret"
    path.write_bytes(SECRET.encode() + b"\r\n")
    assert read_strong_secret(str(path)) == {str(path): SECRET.encode()}


def test_missing_secret_is_refused_with_its_variable() -> None:
    with pytest.raises(UsageError, match=f"{VARIABLE} is not set. Run: export {VARIABLE}="):
        read_secrets([])


@pytest.mark.parametrize("secret", ["", " \n", "short", f"{SECRET} "])
def test_weak_secret_is_refused_and_not_shown(secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, secret)
    with pytest.raises(UsageError, match="florentin-webhooks secret new") as raised:
        read_strong_secret(None)
    assert SECRET not in str(raised.value)
