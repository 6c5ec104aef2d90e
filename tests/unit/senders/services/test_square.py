"""Square: the published example, the URL as Square knows it, the time in the body."""

from __future__ import annotations

import hmac
from base64 import b64encode
from datetime import timedelta

import pytest

from florentin_webhooks import Receiver
from florentin_webhooks.errors import InvalidSignature, MalformedDelivery
from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.senders import Square
from florentin_webhooks.senders.schemes.keys import HMACKey
from florentin_webhooks.senders.schemes.scheme import NamedKey
from tests.support.senders import CASES, NOW, RAW_SECRET, URL

pytestmark = pytest.mark.one_process
SQUARE = next(case for case in CASES if case.name == "square")


class ShortKeys(Square):
    """The key of the published example is shorter than ours may be."""

    def make_key(self, name: str, secret: bytes) -> NamedKey:
        return NamedKey(name, HMACKey(secret))


def test_published_example_is_genuine() -> None:
    # "Verify and validate an event notification", and the tests of Square's libraries.
    headers = {"x-square-hmacsha256-signature": "2kRE5qRU2tR+tBGlDwMEw2avJ7QM4ikPYD/PJ3bd9Og="}
    scheme = ShortKeys().scheme("asdf1234")
    url = "https://example.com/webhook"
    assert scheme.authenticate(headers, b'{"hello":"world"}', NOW, url).secret == "secret-1"


@pytest.mark.parametrize("called", [URL, "http://10.0.0.7:8000/other", None])
def test_configured_url_replaces_the_one_that_was_called(called: str | None) -> None:
    request = SQUARE.make()
    receiver = Receiver(RAW_SECRET, sender=Square(url=URL), clock=lambda: NOW)
    assert receiver.verify(request.headers, request.body, called)[0].delivery_id == "ev_1"


def test_url_that_differs_or_is_unknown_is_refused() -> None:
    request = SQUARE.make()
    for called, reason in ((f"{URL}&x", "mismatch"), (None, "missing"), ("", "mismatch")):
        with pytest.raises(InvalidSignature, match=reason):
            SQUARE.receiver().verify(request.headers, request.body, called)


def test_other_bytes_under_the_same_event_id_are_a_duplicate() -> None:
    receiver = SQUARE.receiver()
    receiver.on_unknown(print)
    first, second = SQUARE.make(), SQUARE.make(data={"id": "2"})
    outcomes = [receiver.receive(each.headers, each.body, URL).outcome for each in (first, second)]
    assert outcomes == [Outcome.PROCESSED, Outcome.DUPLICATE]


def test_nanoseconds_are_a_time_and_its_absence_is_malformed() -> None:
    request = SQUARE.make(created_at="2026-06-06T11:59:59.037339943Z")
    SQUARE.receiver().verify(request.headers, request.body, URL)
    for wrong in (None, "yesterday", "2026-06-06T12:00:00"):
        request = SQUARE.make(created_at=wrong)
        with pytest.raises(MalformedDelivery):
            SQUARE.receiver().verify(request.headers, request.body, URL)


def test_last_retry_keeps_its_time_and_is_fresh() -> None:
    request = SQUARE.make()
    receiver = SQUARE.receiver(NOW + timedelta(days=1))
    assert receiver.verify(request.headers, request.body, URL)[0].event == SQUARE.event
    assert receiver.store.retention > Square().tolerance


def test_signature_is_that_of_the_documentation() -> None:
    request = SQUARE.make()
    digest = hmac.digest(RAW_SECRET.encode(), URL.encode() + request.body, "sha256")
    assert request.headers == {"x-square-hmacsha256-signature": b64encode(digest).decode()}
