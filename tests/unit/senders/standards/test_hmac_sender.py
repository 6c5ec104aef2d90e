"""A sender of one's own: what it takes, and which descriptions are refused with what reason."""

from __future__ import annotations

from datetime import timedelta
from hmac import digest
from typing import Any

import pytest

from florentin_webhooks import Receiver
from florentin_webhooks.errors import ConfigurationError, InvalidSignature, MalformedDelivery
from florentin_webhooks.events import Event
from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.senders import HMACSender
from florentin_webhooks.senders.schemes.format import MAX_DIGITS
from tests.support.senders import NOW, URL

pytestmark = pytest.mark.one_process
SECRET = b"a-secret-of-some-length"
TIMED = {"signed": "{timestamp}.{body}", "time_prefix": "t="}
BODY = b'{"type": "parcel.sent", "id": 7, "sent_at": "2026-06-06T11:00:00Z"}'


def sender(**options: Any) -> HMACSender:  # Any: wrong ones, too.
    return HMACSender(**{"name": "Parcel", "signature_header": "X-Sig", **options})


def receiver(secret: Any = SECRET, **options: Any) -> Receiver[object]:  # Any: as above.
    return Receiver(secret, sender=sender(**options), clock=lambda: NOW)


@pytest.mark.parametrize(
    ("options", "signed", "headers"),
    [
        ({}, BODY, {"X-Sig": "{hex}"}),
        ({"encoding": "base64"}, BODY, {"X-Sig": "{base64}"}),
        ({"prefix": "sha256="}, BODY, {"X-Sig": "sha256={hex}"}),
        (
            {"signed": "v0:{timestamp}:{body}", "timestamp_header": "X-Time", "prefix": "v0="},
            b"v0:1780747200:" + BODY,
            {"X-Sig": "v0={hex}", "X-Time": "1780747200"},
        ),
        (
            {
                "signed": "{timestamp}:{body}",
                "separator": ";",
                "time_prefix": "ts=",
                "prefix": "h1=",
            },
            b"1780747200:" + BODY,
            {"X-Sig": "ts=1780747200;h1={hex}"},
        ),
        (
            {"signed": "{timestamp}.{body}", "timestamp_header": "X-Time", "per_second": 1000},
            b"1780747200000." + BODY,
            {"X-Sig": "{hex}", "X-Time": "1780747200000"},
        ),
        ({"signed": "{url}|{body}"}, URL.encode() + b"|" + BODY, {"X-Sig": "{hex}"}),
    ],
)
def test_signature_over_the_described_bytes_is_genuine(
    options: dict[str, Any], signed: bytes, headers: dict[str, str]
) -> None:
    from base64 import b64encode

    made = digest(SECRET, signed, "sha256")
    values = {"hex": made.hex(), "base64": b64encode(made).decode()}
    sent = {name: value.format(**values) for name, value in headers.items()}
    delivery, event = receiver(**options).verify(sent, BODY, URL)
    assert (delivery.event, event.event, event.timestamp) == ("parcel.sent", "parcel.sent", NOW)


def test_id_and_time_of_the_body_are_the_events() -> None:
    hooks = receiver(id_field="id", time_field="sent_at")
    delivery, event = hooks.verify({"X-Sig": digest(SECRET, BODY, "sha256").hex()}, BODY)
    assert delivery.delivery_id == "7"
    assert event.timestamp == NOW - timedelta(hours=1)


def test_items_have_times_in_utc_and_may_be_none() -> None:
    hooks = receiver(items_field="events", time_field="at")
    seen: list[Event] = []
    hooks.on_unknown(seen.append)
    outcomes = [
        hooks.receive({"X-Sig": digest(SECRET, body, "sha256").hex()}, body).outcome
        for body in (
            b'{"events": []}',
            b'{"events": [{"type": "parcel.sent", "at": "2017-06-21T01:15:39.902"}]}',
        )
    ]
    assert outcomes == [Outcome.IGNORED, Outcome.PROCESSED]
    assert [each.timestamp.isoformat() for each in seen] == ["2017-06-21T01:15:39.902000+00:00"]


def test_time_in_the_data_of_a_sample_is_kept() -> None:
    listed = sender(items_field="events", time_field="at")
    flat = sender(event_header="X-Event", time_field="at")
    for described in (listed, flat):
        bodies = [described.sample("a", data, "1", NOW).body for data in ({"at": "theirs"}, {})]
        assert b'"at":"theirs"' in bodies[0]
        assert f'"at":"{NOW.isoformat()}"'.encode() in bodies[1]


def test_prefix_selects_the_algorithm() -> None:
    hooks = receiver(algorithm={"sha256=": "sha256", "sha512=": "sha512"})
    hooks.verify({"X-Sig": f"sha512={digest(SECRET, BODY, 'sha512').hex()}"}, BODY)
    with pytest.raises(InvalidSignature):
        hooks.verify({"X-Sig": f"sha1={digest(SECRET, BODY, 'sha1').hex()}"}, BODY)


@pytest.mark.parametrize(
    ("secret", "options"),
    [
        (SECRET.hex(), {"secret_encoding": "hex"}),
        (
            "key_YS1zZWNyZXQtb2Ytc29tZS1sZW5ndGg=",
            {"secret_encoding": "base64", "secret_prefix": "key_"},
        ),
    ],
)
def test_secret_is_read_as_it_is_spelled(secret: str, options: dict[str, Any]) -> None:
    receiver(secret, **options).verify({"X-Sig": digest(SECRET, BODY, "sha256").hex()}, BODY)


@pytest.mark.parametrize("per_second", [1, 1000])
def test_signed_time_has_at_most_fifteen_digits(per_second: int) -> None:
    def verify(digits: str) -> None:
        claimed = digest(SECRET, f"{digits}.".encode() + BODY, "sha256").hex()
        hooks = receiver(**TIMED, separator=",", per_second=per_second)
        hooks.verify({"X-Sig": f"t={digits},{claimed}"}, BODY)

    with pytest.raises(MalformedDelivery, match="the signed time is not a time"):
        verify("9" * MAX_DIGITS)
    with pytest.raises(InvalidSignature, match="malformed"):
        verify("9" * (MAX_DIGITS + 1))


def test_request_without_its_url_is_refused() -> None:
    signed = {"X-Sig": digest(SECRET, URL.encode() + b"|" + BODY, "sha256").hex()}
    with pytest.raises(InvalidSignature):
        receiver(signed="{url}|{body}").verify(signed, BODY)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"signed": "{id}.{timestamp}"}, "leaves the body unsigned"),
        ({"signed": ""}, "leaves the body unsigned"),
        ({"signed": "{timestamp}{body}", "timestamp_header": "X-Time"}, "side by side"),
        ({"signed": "{body}.{body}"}, "a placeholder twice"),
        ({"signed": "{bodies}"}, "unknown placeholder {bodies}"),
        ({"timestamp_header": "X-Time"}, "timestamp is not signed"),
        ({"time_prefix": "t=", "separator": ","}, "timestamp is not signed"),
        ({"signed": "{timestamp}.{body}"}, "place of {timestamp} is missing"),
        ({"signed": "{id}.{body}"}, "place of {id} is missing"),
        ({"time_prefix": "t=", "signed": "{timestamp}.{body}"}, "needs a separator"),
        ({"separator": "="}, "may be part of a signature"),
        ({"encoding": "base58"}, "encoding 'base58' is unknown"),
        ({"algorithm": "md5"}, "algorithm 'md5' is unknown"),
        ({"algorithm": {"": "sha1", "v2=": "sha256"}}, "Several algorithms without a prefix"),
        ({"algorithm": {}}, "Several algorithms without a prefix"),
        ({"algorithm": {"v1=": "sha1", "v1=2": "sha256"}}, "'v1=2' begins with 'v1='"),
        ({"algorithm": {"v1=": "sha1"}, "prefix": "v1="}, "prefix has no effect"),
        ({"prefix": "v1,", "separator": ","}, "contains the separator"),
        ({"prefix": "v1=", "separator": ",", **TIMED, "time_prefix": "v"}, "begins with 'v'"),
        ({"prefix": "t=", "separator": ",", **TIMED}, "'t=' begins with 't='"),
        ({"signed": "{id}1{body}", "id_header": "X-Id"}, "only '1' between"),
        ({"id_header": "x-sig"}, "has two uses"),
        ({"event_header": "X-SIG"}, "has two uses"),
        ({"signature_header": ""}, "header is invalid"),
        ({"id_header": "X Id"}, "header is invalid"),
        ({"name": " "}, "name of the sender is empty"),
        ({"per_second": 0}, "per_second is 0"),
        ({"per_second": 60}, "per_second is 60"),
        ({"secret_encoding": "base32"}, "encoding 'base32' is unknown"),
        ({"retries": (5, -1)}, "not a time"),
        ({"retries": (float("inf"),)}, "not a time"),
        ({"items_field": ".", "id_field": "id"}, "id of an item"),
        ({"items_field": "events", "event_header": "X-Event"}, "one event_header"),
    ],
)
def test_unsafe_description_is_refused_with_its_reason(
    options: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ConfigurationError, match=reason) as caught:
        sender(**options)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("secret", "options"),
    [
        ("short", {}),
        ("c2hvcnQ=", {"secret_encoding": "base64"}),
        ("not base64 at all", {"secret_encoding": "base64"}),
        ("not hexadecimal at all", {"secret_encoding": "hex"}),
    ],
)
def test_weak_or_misspelt_secret_is_refused(secret: str, options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        receiver(secret, **options)
    assert secret not in str(caught.value)
