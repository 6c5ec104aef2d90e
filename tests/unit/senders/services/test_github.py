"""GitHub: the published example, events from header and action, forms, redeliveries."""

from __future__ import annotations

import json
from datetime import timedelta
from urllib.parse import urlencode

import pytest

from florentin_webhooks.errors import InvalidSignature, MalformedDelivery
from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.senders import GitHub
from tests.support.senders import CASES, NOW

pytestmark = pytest.mark.one_process
GITHUB = next(case for case in CASES if case.name == "github")


def test_published_example_is_genuine() -> None:
    # "Validating webhook deliveries", Testing the webhook payload validation.
    headers = {
        "X-Hub-Signature-256": "sha256="
        "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    }
    scheme = GitHub().scheme("It's a Secret to Everybody")
    assert scheme.authenticate(headers, b"Hello, World!", NOW).timestamp is None


@pytest.mark.parametrize(
    ("header", "payload", "event"),
    [
        ("ping", {"zen": "Keep it simple.", "hook_id": 1}, "ping"),
        ("push", {"ref": "refs/heads/main", "commits": []}, "push"),
        ("pull_request", {"action": "closed", "pull_request": {}}, "pull_request.closed"),
        ("star", {"action": "created"}, "star.created"),
    ],
)
def test_event_is_the_header_with_the_action(
    header: str, payload: dict[str, object], event: str
) -> None:
    request = GITHUB.sign(json.dumps(payload).encode())
    request.headers["X-GitHub-Event"] = header
    delivery, typed = GITHUB.receiver().verify(request.headers, request.body)
    assert (delivery.event, typed.event, typed.data) == (event, event, payload)


def test_form_holds_the_same_payload() -> None:
    request = GITHUB.sign(urlencode({"payload": json.dumps(GITHUB.payload)}).encode())
    event = GITHUB.receiver().verify(request.headers, request.body)[1]
    assert (event.event, event.data) == (GITHUB.event, GITHUB.payload)


@pytest.mark.parametrize("body", [b"payload=%7B", b"payload=%ff", b"payload=1&payload=2"])
def test_form_without_one_payload_is_malformed(body: bytes) -> None:
    request = GITHUB.sign(body)
    with pytest.raises(MalformedDelivery):
        GITHUB.receiver().verify(request.headers, body)


@pytest.mark.parametrize("names", [[], [""], ["push"], ["a\x00"], ["x" * 201], ["issues", "star"]])
def test_event_header_that_does_not_fit_the_body_is_malformed(names: list[str]) -> None:
    request = GITHUB.make()
    kept = [(name, v) for name, v in request.headers.items() if name != "X-GitHub-Event"]
    headers = [*kept, *(("X-GitHub-Event", name) for name in names)]
    if names == ["issues", "star"]:
        assert GITHUB.receiver().verify(headers, request.body)[0].event == "issues, star.opened"
        return
    with pytest.raises(MalformedDelivery):
        GITHUB.receiver().verify(headers, request.body)


def test_key_that_the_named_event_lacks_is_in_the_message() -> None:
    request = GITHUB.sign(b'{"ref": "refs/heads/main"}')
    request.headers["X-GitHub-Event"] = "push"
    with pytest.raises(MalformedDelivery, match="is push, and the body has no 'commits'"):
        GITHUB.receiver().verify(request.headers, request.body)


def test_redelivery_a_month_later_is_a_duplicate_under_any_id() -> None:
    hooks = GITHUB.receiver()
    hooks.on_unknown(print)
    outcomes = [
        hooks.receive(request.headers, request.body).outcome
        for request in (GITHUB.make(), GITHUB.make(NOW, "another-id"))
    ]
    assert outcomes == [Outcome.PROCESSED, Outcome.DUPLICATE]
    assert hooks.store.retention == timedelta(days=30)


def test_old_signature_is_no_substitute() -> None:
    request = GITHUB.make()
    headers = {**request.headers, "X-Hub-Signature": "sha1=" + "0" * 40}
    del headers["X-Hub-Signature-256"]
    with pytest.raises(InvalidSignature, match="missing"):
        GITHUB.receiver().verify(headers, request.body)
