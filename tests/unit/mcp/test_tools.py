"""The tools that look at other things than deliveries, and what all of them declare."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import pytest

from florentin_webhooks import MemoryStore, Receiver
from florentin_webhooks.mcp.answers import Finding
from florentin_webhooks.testing import Provider
from tests.support.agents import call, desk_of

SECRET = "whsec_0123456789abcdef0123456789abcdef"
OTHER = "whsec_another_0123456789abcdef0123456789"


@pytest.fixture
def hooks() -> Receiver:
    return Receiver(SECRET, store=MemoryStore())


def test_valid_request_names_its_secret(hooks: Receiver) -> None:
    desk = desk_of(hooks)
    hooks.on("user.login")(lambda _: None)
    made = Provider(SECRET).make("user.login")
    hooks.receive(*made)
    request: Mapping[str, Any] = {"headers": dict(made.headers), "body": made.body.decode()}
    found = call(desk, "verify_request", **request)
    assert (found["valid"], found["secret"], found["causes"]) == (True, "secret-1", [])
    (listed,) = call(desk, "list_deliveries")["deliveries"]
    assert listed["fingerprint"] == found["fingerprint"]


def test_invalid_request_has_causes_and_no_secret(hooks: Receiver) -> None:
    made = Provider(SECRET).make("user.login")
    encoded = base64.b64encode(made.body + b"\n").decode()
    found = call(desk_of(hooks), "verify_request", headers=dict(made.headers), body_base64=encoded)
    assert (found["valid"], found["reason"]) == (False, "mismatch")
    assert found["causes"]
    assert SECRET not in str(found)


def test_body_that_is_not_base64_is_refused(hooks: Receiver) -> None:
    error = call(desk_of(hooks), "verify_request", headers={}, body_base64="!")["error"]
    assert "body_base64 is not base64." in error


def test_request_of_a_tenant_cannot_be_verified_here() -> None:
    hooks = Receiver(lambda _: [], store=MemoryStore())
    error = call(desk_of(hooks), "verify_request", headers={})["error"]
    assert "looks the secrets up" in error


def test_findings_of_doctor_have_hints(hooks: Receiver) -> None:
    found = call(desk_of(hooks), "run_doctor")
    assert found["ok"] is True
    assert found["findings"][1] == {
        "name": "worker",
        "state": "warn",
        "message": "None.",
        "hint": "Run.",
    }
    failing = desk_of(hooks, findings=[Finding("redis", "fail", "No answer.", "Start it.")])
    assert call(failing, "run_doctor")["ok"] is False


@pytest.mark.parametrize(
    "arguments", [{"limit": 0}, {"limit": 51}, {"text": "x" * 201}, {"state": 7}]
)
def test_arguments_out_of_bounds_are_refused(
    hooks: Receiver, arguments: Mapping[str, object]
) -> None:
    error = call(desk_of(hooks), "list_deliveries", **arguments)["error"]
    assert "validation error" in error
