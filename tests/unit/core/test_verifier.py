"""The order of the verifier's checks, its window to the millisecond, and what it ignores."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone

import pytest

from florentin_webhooks.core.verifier import VerifiedDelivery, Verifier
from florentin_webhooks.errors import InvalidSignature, MalformedDelivery, StaleDelivery
from florentin_webhooks.protocol.delivery import Delivery
from florentin_webhooks.protocol.fingerprint import fingerprint
from florentin_webhooks.senders.florentin.envelope import MAX_NAME
from florentin_webhooks.senders.florentin.sender import FLORENTIN
from tests.support.vectors import SECRET, T0, sign

TOLERANCE, LEEWAY = timedelta(minutes=15), timedelta(minutes=5)
VERIFIER = Verifier(FLORENTIN, FLORENTIN.scheme({"2026": SECRET}), TOLERANCE, LEEWAY)


def body(**changes: object) -> bytes:
    envelope = {"event": "user.login", "timestamp": "2026-06-06T12:00:00.000Z", "data": {}}
    return json.dumps({**envelope, **changes}).encode()


def authenticate(content: bytes, *headers: tuple[str, str], now: datetime = T0) -> VerifiedDelivery:
    signed = ("X-Florentin-Signature", sign(content))
    return VERIFIER.verify([signed, *headers], content, now)


def reason(content: bytes, *headers: tuple[str, str]) -> str:
    with pytest.raises(MalformedDelivery) as caught:
        authenticate(content, *headers)
    return caught.value.reason


def delivery_id(*values: str) -> str | None:
    headers = (("X-Florentin-Delivery-Id", value) for value in values)
    return authenticate(body(), *headers)[0].delivery_id


def staleness(age: timedelta) -> StaleDelivery | None:
    return authenticate(body(), now=T0 + age).stale


# --- the order of the checks ---

WRONG_HEADER = ("X-Florentin-Event", "invoice.created")


@pytest.mark.parametrize("content", [b"", b"not JSON", b"[" * 1000, b"\xff", b"{}", body()])
def test_unsigned_body_is_refused_for_its_signature_only(content: bytes) -> None:
    with pytest.raises(InvalidSignature):
        VERIFIER.verify([WRONG_HEADER], content, T0)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"event": 1', "not JSON at character 11"),
        (b'{"event": "\xff"}', "not UTF-8 at byte 11"),
        (b"[]", "not a JSON object"),
        (b'{"timestamp": 1}', "no envelope: event, data missing"),
        (body(event=1, timestamp=1), "the event is not a name"),
        (body(timestamp=1), "the timestamp is not an RFC 3339 date and time with an offset"),
        (body(), "the event header and the signed body name different events"),
    ],
)
def test_the_first_thing_that_is_wrong_is_the_reason(content: bytes, said: str) -> None:
    assert reason(content, WRONG_HEADER) == said


def test_a_delivery_of_any_age_is_authentic() -> None:
    assert authenticate(body(), now=T0 + timedelta(days=9999))[0].event == "user.login"


# --- the envelope ---


@pytest.mark.parametrize("missing", ["event", "timestamp", "data"])
def test_an_envelope_without_one_of_its_three_parts_is_malformed(missing: str) -> None:
    envelope = json.loads(body())
    del envelope[missing]
    assert reason(json.dumps(envelope).encode()) == f"no envelope: {missing} missing"


@pytest.mark.parametrize("data", [None, [], "text", 1, {}])
def test_what_the_data_is_is_left_to_the_models(data: object) -> None:
    assert authenticate(body(data=data))[1]["data"] == data


@pytest.mark.parametrize(
    "event",
    [None, 1, True, [], {}, ["user.login"], "", "a\nb", "\x00", "\x7f", "x" * (MAX_NAME + 1)],
)
def test_invalid_event_name_is_malformed(event: object) -> None:
    assert reason(body(event=event)) == "the event is not a name"


@pytest.mark.parametrize(
    "event", ["payment.failed", "User.Login", " user.login", "ü", "x" * MAX_NAME]
)
def test_an_event_is_named_as_the_body_spells_it(event: str) -> None:
    assert authenticate(body(event=event))[0].event == event


@pytest.mark.parametrize(
    "stamp",
    [
        *(None, True, 1780747200, 1780747200000, 1.5, {}, [], "", "now", "1780747200"),
        *("2026-06-06", "2026-06-06T12:00:00", "2026-06-06T12:00Z", "20260606T120000Z"),
        *("2026-06-06t12:00:00Z", "2026-06-06 12:00:00Z", "2026-06-06T12:00:00z"),
        *(" 2026-06-06T12:00:00Z", "2026-06-06T12:00:00Z\n", "٢026-06-06T12:00:00Z"),
        *("2026-13-06T12:00:00Z", "2026-02-30T12:00:00Z", "2026-06-06T24:00:00Z"),
        *("2026-06-06T23:59:60Z", "2026-06-06T12:00:00+25:00", "2026-06-06T12:00:00+01:60"),
        *("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-W23-6T12:00:00Z"),
        *("2026-06-06T12:00:00.Z", "2026-06-06T12:00:00,5Z", "2026-06-06T12:00:00.1234567890Z"),
    ],
)
def test_timestamp_without_an_instant_is_malformed(stamp: object) -> None:
    assert reason(body(timestamp=stamp)).startswith("the timestamp is not an RFC 3339")


@pytest.mark.parametrize(
    ("stamp", "instant"),
    [
        ("2026-06-06T12:00:00Z", T0),
        ("2026-06-06T14:00:00.000+02:00", T0),
        ("2026-06-06T06:15:00-05:45", T0),
        ("2026-06-06T12:00:00.001Z", T0 + timedelta(milliseconds=1)),
        ("2026-06-06T12:00:00.123456789Z", T0 + timedelta(microseconds=123456)),
        ("0001-01-01T00:00:00Z", datetime.min.replace(tzinfo=UTC)),
        ("9999-12-31T23:59:59.999999Z", datetime.max.replace(tzinfo=UTC)),
    ],
)
def test_a_timestamp_is_the_instant_it_spells_in_utc(stamp: str, instant: datetime) -> None:
    found = authenticate(body(timestamp=stamp))[0].timestamp
    assert (found, found.tzinfo) == (instant, UTC)


def test_the_envelope_holds_the_timestamp_as_the_same_instant() -> None:
    delivery, envelope, *_ = authenticate(body())
    assert envelope["timestamp"] is delivery.timestamp


# --- the window ---


@pytest.mark.parametrize("age", [timedelta(), TOLERANCE, -LEEWAY])
def test_both_ends_of_the_window_are_inside(age: timedelta) -> None:
    assert staleness(age) is None


@pytest.mark.parametrize("step", [timedelta(microseconds=1), timedelta(milliseconds=1)])
def test_just_older_than_the_tolerance_is_stale(step: timedelta) -> None:
    stale = staleness(TOLERANCE + step)
    assert stale is not None
    assert (stale.age, stale.limit) == (TOLERANCE + step, TOLERANCE)


@pytest.mark.parametrize("step", [timedelta(microseconds=1), timedelta(milliseconds=1)])
def test_just_further_ahead_than_the_leeway_is_stale(step: timedelta) -> None:
    stale = staleness(-LEEWAY - step)
    assert stale is not None
    assert (stale.age, stale.limit) == (-LEEWAY - step, LEEWAY)


def test_the_clock_may_stand_in_any_time_zone() -> None:
    there = timezone(timedelta(hours=-9))
    now = (T0 + TOLERANCE).astimezone(there)
    assert authenticate(body(), now=now).stale is None


@pytest.mark.parametrize(
    "header", ["2026-06-06T12:16:00Z", "nan", "inf", "9" * 5000, "\xb2", "-1", ""]
)
def test_timestamp_header_is_not_evidence(header: str) -> None:
    now = T0 + TOLERANCE + timedelta(seconds=1)
    stamped = ("X-Florentin-Timestamp", header)
    assert authenticate(body(), stamped, now=now).stale is not None


# --- the unsigned headers ---


@pytest.mark.parametrize(
    "claims",
    [["invoice.created"], ["USER.LOGIN"], ["user.login\x00"], [""], ["user.login", "tos.accepted"]],
)
def test_an_event_header_that_names_another_event_is_malformed(claims: Iterable[str]) -> None:
    headers = [("X-Florentin-Event", claim) for claim in claims]
    assert "name different events" in reason(body(), *headers)


@pytest.mark.parametrize("claims", [[], ["user.login"], [" user.login\t"], ["user.login"] * 2])
def test_an_event_header_that_agrees_or_is_absent_is_fine(claims: Iterable[str]) -> None:
    headers = [("x-florentin-event", claim) for claim in claims]
    assert authenticate(body(), *headers)[0].event == "user.login"


@pytest.mark.parametrize(
    "value", ["7c1f", "3f1c9a52-0d3c-4a55-9b6e-6f3d1c0a7e11", "!~", "x" * MAX_NAME]
)
def test_delivery_id_is_taken_as_it_is(value: str) -> None:
    assert delivery_id(value) == value


@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        "7c1f,8d20",
        "a b",
        "a\tb",
        "\x00",
        "\x1b",
        "\x7f",
        "\x85",
        "ü",
        "\u2028",
        "x" * (MAX_NAME + 1),
    ],
)
def test_odd_or_joined_delivery_id_is_none(value: str) -> None:
    assert delivery_id(value) is None


@pytest.mark.parametrize("values", [(), ("7c1f", "7c1f"), ("7c1f", "8d20"), ("7c1f", "")])
def test_an_absent_or_repeated_delivery_id_is_none(values: tuple[str, ...]) -> None:
    assert delivery_id(*values) is None


def test_delivery_has_the_known_attributes() -> None:
    now, content = T0 + timedelta(seconds=2), body()
    assert authenticate(content, ("X-Florentin-Delivery-Id", "7c1f"), now=now)[0] == Delivery(
        fingerprint=fingerprint(content).hex(),
        event="user.login",
        timestamp=T0,
        delivery_id="7c1f",
        secret="2026",
        received_at=now,
        body=content,
    )


def test_a_delivery_does_not_show_its_body() -> None:
    assert "data" not in repr(authenticate(body())[0])
