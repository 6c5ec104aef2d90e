"""Signed requests: genuine ones, and each fault as a receiver sees it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from florentin_webhooks.core.defaults import DEFAULT_SENDER
from florentin_webhooks.errors import ConfigurationError, InvalidSignature
from florentin_webhooks.protocol.headers import HeaderMap
from florentin_webhooks.senders import Stripe
from florentin_webhooks.senders.florentin.samples import sample_envelope
from florentin_webhooks.simulator.webhooks.entries import AttemptKind
from florentin_webhooks.simulator.webhooks.faults import Fault
from florentin_webhooks.simulator.webhooks.outbox import Task
from florentin_webhooks.simulator.webhooks.signer import Signer
from florentin_webhooks.testing import SignedDelivery
from florentin_webhooks.testing.kit.manual_clock import ManualClock

SECRET = "a-secret-of-the-simulator-tests"
URL = "http://127.0.0.1:8000/"
CLOCK = ManualClock()


def task(number: int = 1) -> Task:
    body = sample_envelope("user.login", {"user": {}}, "", CLOCK()).body
    return Task(1, "dlv-1", 1, "user.login", body, number, AttemptKind.SCHEDULED, "")


def is_genuine(made: SignedDelivery) -> bool:
    scheme = DEFAULT_SENDER.scheme(SECRET)
    try:
        scheme.authenticate(HeaderMap(made.headers.items()), made.body, CLOCK(), URL)
    except InvalidSignature:
        return False
    return True


@pytest.mark.parametrize(
    ("fault", "genuine", "same_body"),
    [
        (None, True, True),
        (Fault.TAMPER, False, False),
        (Fault.WRONG_SECRET, False, True),
        (Fault.OLD_STAMP, True, False),
        (Fault.DROP_ANSWER, True, True),
    ],
)
def test_fault_changes_what_it_names(fault: Fault | None, genuine: bool, same_body: bool) -> None:
    made = Signer(DEFAULT_SENDER, URL, SECRET, CLOCK).sign(task(), fault)
    assert (is_genuine(made), made.body == task().body) == (genuine, same_body)
    assert made.delivery_id == "dlv-1"


def test_retry_keeps_the_bytes_where_the_sender_does() -> None:
    signer = Signer(DEFAULT_SENDER, URL, SECRET, CLOCK)
    assert signer.sign(task(3)) == signer.sign(task(1))
    assert signer.restamp(task()).body != task().body


def test_retry_is_stamped_again_where_the_sender_does() -> None:
    signer = Signer(Stripe(), URL, "whsec_a-secret-of-the-simulator-tests", clock := ManualClock())
    first = signer.sign(task())
    clock.advance(timedelta(seconds=30))
    assert signer.sign(task(2)).headers != first.headers


def test_weak_secret_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="fewer than"):
        Signer(DEFAULT_SENDER, URL, "short", CLOCK)
