"""Replies to the sender, to the byte."""

from __future__ import annotations

import json

import pytest

from florentin_webhooks.errors import InvalidEvent, InvalidSignature, Unavailable
from florentin_webhooks.protocol import replies
from florentin_webhooks.protocol.delivery import Outcome, Reply

SETTLED = [Outcome.PROCESSED, Outcome.ACCEPTED, Outcome.DUPLICATE]
SETTLED += [Outcome.IGNORED, Outcome.ANSWERED]
REFUSED = [outcome for outcome in Outcome if outcome not in SETTLED]
STATUSES = {
    "processed": 200,
    "accepted": 202,
    "duplicate": 200,
    "ignored": 200,
    "answered": 200,
    "in-progress": 409,
    "malformed": 400,
    "stale": 400,
    "invalid-signature": 401,
    "method-not-allowed": 405,
    "read-timeout": 408,
    "too-large": 413,
    "unsupported-encoding": 415,
    "body-unavailable": 500,
    "invalid-event": 422,
    "handler-failed": 500,
    "unavailable": 503,
}


COMMON = {"Content-Type": "application/json"}


def every_reply() -> list[Reply]:
    settled = [replies.success(outcome, "7c1f") for outcome in SETTLED]
    return [*settled, *map(replies.error, REFUSED)]


def test_every_outcome_has_its_documented_status() -> None:
    assert {each.value: each.status for each in Outcome} == STATUSES


def test_every_outcome_has_a_reply() -> None:
    assert {reply.outcome for reply in every_reply()} == set(Outcome)


@pytest.mark.parametrize("reply", every_reply(), ids=lambda reply: reply.outcome)
def test_reply_has_the_status_of_its_outcome(reply: Reply) -> None:
    assert reply.status == reply.outcome.status


@pytest.mark.parametrize("reply", every_reply(), ids=lambda reply: reply.outcome)
def test_reply_is_json(reply: Reply) -> None:
    assert dict(reply.headers).items() >= COMMON.items()


def test_reply_to_another_method_must_not_be_cached() -> None:
    headers = dict(replies.error(Outcome.METHOD_NOT_ALLOWED).headers)
    assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("outcome", SETTLED)
def test_success_has_the_fingerprint(outcome: Outcome) -> None:
    result = json.loads(replies.success(outcome, "7c1f").body)
    assert result == {"data": {"outcome": outcome, "delivery": "7c1f"}, "meta": {}}


@pytest.mark.parametrize("outcome", REFUSED)
def test_error_has_a_code_and_a_message(outcome: Outcome) -> None:
    result = json.loads(replies.error(outcome).body)
    assert (list(result), list(result["error"])) == (["error"], ["code", "message"])


@pytest.mark.parametrize("outcome", REFUSED)
def test_code_is_the_outcome(outcome: Outcome) -> None:
    assert json.loads(replies.error(outcome).body)["error"]["code"] == outcome.value


def test_reply_does_not_contain_the_reason() -> None:
    result = [
        replies.error(Outcome.INVALID_SIGNATURE, InvalidSignature(reason))
        for reason in ("missing", "repeated", "malformed", "mismatch")
    ]
    assert len(set(result)) == 1


def test_reply_keeps_the_error_for_the_program() -> None:
    error = InvalidEvent("user.login", ["data: missing"])
    assert replies.error(Outcome.INVALID_EVENT, error).error is error


def test_repr_does_not_show_the_error() -> None:
    error = InvalidEvent("user.login", ["data: missing"])
    assert "missing" not in repr(replies.error(Outcome.INVALID_EVENT, error))


def test_refused_method_has_an_allow_header() -> None:
    assert dict(replies.error(Outcome.METHOD_NOT_ALLOWED).headers)["Allow"] == "POST"


def test_unavailable_store_has_a_retry_after_header() -> None:
    reply = replies.error(Outcome.UNAVAILABLE, Unavailable("away", retry_after=7))
    assert dict(reply.headers)["Retry-After"] == "7"


def test_delivery_in_progress_has_a_retry_after_header() -> None:
    reply = replies.retry_after(Outcome.IN_PROGRESS, 42)
    assert dict(reply.headers) == {**COMMON, "Retry-After": "42"}


@pytest.mark.parametrize("outcome", [o for o in REFUSED if o is not Outcome.METHOD_NOT_ALLOWED])
def test_other_refusals_have_no_extra_headers(outcome: Outcome) -> None:
    assert dict(replies.error(outcome).headers) == COMMON
