"""Every sender under the same attacks: only 401 or 400, never an exception, no store operation.

A new sender joins by one line in ``tests/support/senders.py``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from functools import reduce
from operator import getitem

import pytest

from florentin_webhooks import MemoryStore, Receiver
from florentin_webhooks.core.processing.restore import restore_delivery
from florentin_webhooks.core.stores.base import Operation
from florentin_webhooks.core.stores.jobs import JobClaim, JobDecision
from florentin_webhooks.errors import (
    ConfigurationError,
    InvalidSignature,
    MalformedDelivery,
    StaleDelivery,
)
from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.protocol.event import parse_event
from florentin_webhooks.senders.base import Signing
from florentin_webhooks.senders.florentin.sender import FLORENTIN
from tests.support.senders import CASES, NOW, RAW_SECRET, Request, SenderCase

pytestmark = pytest.mark.one_process

SECOND = timedelta(seconds=1)
SHARED_FORMAT = {("svix", "standard_webhooks")}
"""Pairs whose first sender also accepts what the second one signs, with the same secret."""

every_sender = pytest.mark.parametrize("case", CASES, ids=str)


class ClosedStore(MemoryStore):
    """A store that no hostile request may reach."""

    def execute(self, operation: Operation[object]) -> object:  # type: ignore[override]
        pytest.fail(f"{type(operation).__name__} was executed.")


def verify(case: SenderCase, request: Request, receiver: Receiver[object] | None = None) -> str:
    """Return the fingerprint of a genuine request."""
    receiver = receiver or case.receiver()
    return receiver.verify(request.headers, request.body, request.url)[0].fingerprint


# --- what is genuine ---


@every_sender
def test_genuine_delivery_has_its_event_and_its_secret(case: SenderCase) -> None:
    request = case.make()
    delivery, event = case.receiver().verify(request.headers, request.body, request.url)
    assert (delivery.event, event.event) == (case.event, case.event)
    assert (delivery.secret, delivery.body) == ("secret-1", request.body)


@every_sender
def test_the_second_of_two_secrets_is_named(case: SenderCase) -> None:
    # Another secret of the same spelling: the last characters but for padding differ.
    other = case.other or case.secrets[:-8] + case.secrets[-8:-4].swapcase() + case.secrets[-4:]
    receiver = Receiver({"new": other, "old": case.secrets}, sender=case.sender, clock=lambda: NOW)
    request = case.make()
    assert receiver.verify(request.headers, request.body, request.url)[0].secret == "old"


@every_sender
def test_same_delivery_again_is_a_duplicate(case: SenderCase) -> None:
    receiver, request, runs = case.receiver(), case.make(), list[str]()
    case.subscribe(receiver, lambda event: runs.append(event.event))
    outcomes = [
        receiver.receive(request.headers, request.body, request.url).outcome for _ in range(2)
    ]
    assert outcomes == [Outcome.PROCESSED, Outcome.DUPLICATE]
    assert runs == [case.item or case.event]


@every_sender
def test_retry_that_is_signed_anew_is_a_duplicate(case: SenderCase) -> None:
    receiver = case.receiver()
    case.subscribe(receiver, print)
    first, second = case.make(NOW - 2 * SECOND), case.make(NOW - SECOND)
    outcomes = [
        receiver.receive(each.headers, each.body, each.url).outcome for each in (first, second)
    ]
    assert outcomes == [Outcome.PROCESSED, Outcome.DUPLICATE]


@every_sender
def test_restored_delivery_keeps_its_event_and_its_id(case: SenderCase) -> None:
    request = case.make()
    delivery, event = case.receiver().verify(request.headers, request.body, request.url)
    stored = JobClaim(
        JobDecision.RUN,
        body=request.body,
        received_at=NOW,
        key_id=delivery.key_id,
        event=delivery.event,
        delivery_id=delivery.delivery_id,
    )
    restored, envelope = restore_delivery(case.sender, delivery.fingerprint, stored)
    assert (restored.event, restored.delivery_id) == (case.event, delivery.delivery_id)
    assert parse_event(case.event, envelope, type(event)).data == event.data


@every_sender
def test_unsigned_headers_decide_nothing(case: SenderCase) -> None:
    request = case.make()
    genuine = {case.header, *case.signed_headers}
    unsigned = {name for name in request.headers if name not in genuine}
    changed = {name: v if name in genuine else f"9{v}" for name, v in request.headers.items()}
    changed |= {"Date": "Mon, 01 Jan 2001 00:00:00 GMT", "X-Forwarded-Host": "evil.example"}
    try:
        assert verify(case, request._replace(headers=changed)) == verify(case, request)
    except MalformedDelivery:
        assert any("event" in name.lower() for name in unsigned)


@every_sender
def test_repetition_of_another_header_changes_nothing(case: SenderCase) -> None:
    request, hooks = case.make(), case.receiver()
    headers = [*request.headers.items(), ("X-Other", "a"), ("x-other", "b")]
    repeated = hooks.verify(headers, request.body, request.url)
    assert repeated == hooks.verify(request.headers, request.body, request.url)


@every_sender
def test_short_secret_is_refused(case: SenderCase) -> None:
    with pytest.raises(ConfigurationError, match="mine"):
        case.sender.scheme({"mine": "c2hvcnQ="})


# --- hostile requests ---


@pytest.mark.parametrize("case", [case for case in CASES if case.header], ids=str)
def test_hostile_header_is_a_401_and_reaches_no_store(case: SenderCase) -> None:
    receiver = case.receiver(store=ClosedStore())
    request = case.make()
    for name in (case.header, *case.signed_headers):
        value = request.headers[name]
        others = [(key, each) for key, each in request.headers.items() if key != name]
        for values in hostile_values(value):
            headers = [*others, *((name, each) for each in values)]
            reply = receiver.receive(headers, request.body, request.url)
            assert reply.status in (400, 401), (name, values)
            assert reply.error is not None


@pytest.mark.parametrize("case", [case for case in CASES if case.signed_fields], ids=str)
def test_hostile_field_is_a_401_and_reaches_no_store(case: SenderCase) -> None:
    receiver = case.receiver(store=ClosedStore())
    body = json.loads(case.make().body)
    for path in case.signed_fields:
        *parents, name = path.split(".")
        fields = reduce(getitem, parents, body)
        genuine = fields[name]
        texts = [
            v[0] for v in hostile_values(genuine) if v and v[0] != genuine and len(v[0]) < 9999
        ]
        for value in (None, 1, True, 1e400, [genuine], {genuine: genuine}, *texts):
            fields[name] = value
            reply = receiver.receive({}, json.dumps(body).encode())
            assert reply.status in (400, 401), (path, str(value)[:80])
        fields[name] = genuine


def hostile_values(value: str) -> Iterator[tuple[str, ...]]:
    """Yield the values of one header, by mistakes and attacks; none of them is *value*."""
    yield ()
    yield value, value
    yield "", value
    yield ("",)
    for changed in (
        *(value[:-1], value[1:], value + "0", value + "=", "0" + value),
        *(value * 5000, ",".join([value] * 1000), "," * 10_000, " " * 10_000 + "x"),
        *(value.swapcase() + "g", value[::-1], "\u0663" + value, value[:-1] + "\u0663"),
        *(value + "\x00", value[:3] + "\xff" + value[4:], value[:-1] + "\ud800", "\x00"),
        *("null", "-1", "1e9", "9" * 15, "9" * 5000, "0", "t=,v1=", "v1,", "sha256=", "="),
        *(value.replace("sha256", "sha1"), value.replace("v1", "v2"), value.replace("v1", "v0")),
    ):
        if changed != value:
            yield (changed,)


@pytest.mark.parametrize("case", [case for case in CASES if case.covers_body], ids=str)
def test_body_changed_by_one_bit_is_refused(case: SenderCase) -> None:
    receiver = case.receiver(store=ClosedStore())
    request = case.make()
    for position in range(len(request.body)):
        changed = bytearray(request.body)
        changed[position] ^= 1 << (position % 8)
        reply = receiver.receive(request.headers, bytes(changed), request.url)
        assert reply.status in (400, 401), position
    # White space around JSON is unsigned where the signature is in it.
    longer = [request.body + b"\n"] if case.header else []
    for body in (b"", request.body[:-1], b"\xef\xbb\xbf" + request.body, *longer):
        assert receiver.receive(request.headers, body, request.url).status in (400, 401)


@every_sender
def test_signed_body_that_is_not_an_event_is_malformed(case: SenderCase) -> None:
    receiver = case.receiver(store=ClosedStore())
    # GitHub's and Shopify's event is in a header; Discord sends the like as its PING, and a
    # list without events is ignored. Where the signature is in the body or covers a form, other
    # bodies have none.
    known = {
        "github": (200, 400),
        "shopify": (200, 400),
        "discord": (200, 400),
        "sendgrid": (200, 400),
        "mailgun": (400, 401),
        "sns": (401,),
        "twilio": (400, 401),
    }
    expected = known.get(case.name, (400,))
    for body in (b"", b"[]", b"null", b"{}", b"\xff", b"[" * 100, b'{"type": 1}', b'{"a":1,"a":2}'):
        request = case.sign(body)
        reply = receiver.receive(request.headers, request.body, request.url)
        assert reply.status in expected, body


@every_sender
def test_delivery_of_another_sender_is_refused(case: SenderCase) -> None:
    for other in CASES:
        if other.sender is case.sender or (case.name, other.name) in SHARED_FORMAT:
            continue
        request = other.make()
        with pytest.raises((InvalidSignature, MalformedDelivery)):
            verify(case, request)
        if not (case.header and other.header):
            continue
        signature = request.headers[other.header]
        with pytest.raises((InvalidSignature, MalformedDelivery)):
            verify(case, request._replace(headers={**request.headers, case.header: signature}))


# --- the signed time ---


@every_sender
def test_ends_of_the_window_are_fresh_and_beyond_is_stale(case: SenderCase) -> None:
    tolerance, leeway = case.sender.tolerance, timedelta(minutes=5)
    request = case.make()
    for age in (tolerance, -leeway):
        verify(case, request, case.receiver(NOW + age))
    for age in (tolerance + SECOND, -leeway - SECOND):
        receiver = case.receiver(NOW + age)
        if case.is_timed:
            with pytest.raises(StaleDelivery):
                verify(case, request, receiver)
        else:
            verify(case, request, receiver)


@every_sender
def test_sender_without_a_signed_time_is_remembered_for_a_month(case: SenderCase) -> None:
    least = timedelta(days=1 if case.is_timed else 30)
    assert case.receiver().store.retention >= least


def test_cases_sign_as_their_senders_do() -> None:
    schemes = [case.sender.scheme(case.secrets) for case in CASES if not case.signer]
    assert all(isinstance(scheme, Signing) for scheme in schemes)
    assert FLORENTIN in [case.sender for case in CASES]
    assert len(RAW_SECRET) > 16
