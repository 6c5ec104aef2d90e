"""``sign`` prints the headers that Florentin would send."""

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


def test_file_is_signed_as_florentin_does(body: Path) -> None:
    words = ["sign", str(body), "--json", "--delivery-id", "d-1"]
    headers = json.loads(type_in(*words).stdout)["headers"]
    assert FlorentinSignature(SECRET).verify(headers, BODY) == "secret-1"
    assert headers["X-Florentin-Event"] == "invoice.created"
    assert headers["X-Florentin-Delivery-Id"] == "d-1"


def test_bytes_without_event_need_the_option(tmp_path: Path) -> None:
    path = tmp_path / "bytes"
    path.write_bytes(b"\xff\x00")
    assert "--event" in error(type_in("sign", str(path)))
    assert "X-Florentin-Event: a.b\n" in type_in("sign", str(path), "--event", "a.b").stdout


def test_body_without_an_event_is_named_with_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "body.json"
    path.write_bytes(b'{"event": "user.login"}')
    said = error(type_in("sign", str(path)))
    assert "error: The body is not an event (no envelope: timestamp, data missing)." in said
    assert "sign FILE --event invoice.created" in said


@pytest.mark.parametrize("secret", ["", " \n", "short", f"{SECRET} "])
def test_weak_secret_is_refused_with_a_hint(secret: str, body: Path) -> None:
    result = type_in("sign", str(body), environ={"FLORENTIN_WEBHOOK_SECRET": secret})
    assert "florentin-webhooks secret new" in error(result)
    assert result.exit_code == 2


def test_missing_secret_is_refused_with_its_variable(body: Path) -> None:
    result = type_in("sign", str(body), environ={"FLORENTIN_WEBHOOK_SECRET": None})
    assert "export FLORENTIN_WEBHOOK_SECRET=" in error(result)
    assert result.exit_code == 2


def test_secret_is_read_from_standard_input(body: Path) -> None:
    words = ["sign", str(body), "--secret-file", "-", "--json"]
    environ = {"FLORENTIN_WEBHOOK_SECRET": None}
    result = type_in(*words, stdin=SECRET.encode() + b"\n", environ=environ)
    headers = json.loads(result.stdout)["headers"]
    assert FlorentinSignature(SECRET).verify(headers, BODY)


def test_unreadable_file_is_refused() -> None:
    assert "hint: Name a readable file" in error(type_in("sign", "/nowhere/body.json"))
