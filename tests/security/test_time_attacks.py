"""Attacks on freshness: old deliveries, wrong clocks, and headers that prove nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from florentin_webhooks import MemoryStore, Receiver
from florentin_webhooks.core.stores.base import Operation
from florentin_webhooks.errors import ConfigurationError, Unavailable
from tests.support.receivers import A, Target
from tests.support.vectors import SECRET, T0, delivery, envelope

TOLERANCE, LEEWAY = timedelta(minutes=15), timedelta(minutes=5)
MILLISECOND = timedelta(milliseconds=1)


@pytest.mark.answers("TIME-02", "TIME-03", "ts-future", "ts-ancient-signed")
@pytest.mark.parametrize(
    ("age", "outcome"),
    [
        (TOLERANCE, "processed"),
        (TOLERANCE + MILLISECOND, "stale"),
        (-LEEWAY, "processed"),
        (-LEEWAY - MILLISECOND, "stale"),
        (timedelta(days=3650), "stale"),
        (timedelta(days=-3650), "stale"),
    ],
)
def test_signed_timestamp_decides_and_both_limits_are_fresh(age: timedelta, outcome: str) -> None:
    assert Target(now=T0 + age).send(delivery()).outcome == outcome


@pytest.mark.answers("TIME-04", "ts-unsigned-refreshed")
@pytest.mark.parametrize("age", [-LEEWAY - MILLISECOND, TOLERANCE + MILLISECOND])
def test_fresh_timestamp_header_does_not_refresh_a_stale_delivery(age: timedelta) -> None:
    now = T0 + age
    request = delivery().with_headers(("X-Florentin-Timestamp", now.isoformat()))
    assert Target(now=now).send(request).outcome == "stale"


@pytest.mark.answers("TIME-06", "TIME-07", "ts-huge", "ts-word", "ts-noncanonical")
@pytest.mark.parametrize(
    "value",
    [
        *("", "abc", "nan", "inf", "-1", "9" * 309, "9" * 4301, "+1780747200", "1780747200.9"),
        *("1e9", "1_780_747_200", "\xb2", "1970-01-01T00:00:00Z", "2999-01-01T00:00:00Z"),
    ],
)
def test_timestamp_header_does_not_make_a_delivery_stale(value: str) -> None:
    request = delivery().with_headers(("X-Florentin-Timestamp", value))
    assert Target().send(request).outcome == "processed"


@pytest.mark.parametrize(
    "stamp",
    [
        "2026-06-06T12:00:00Z",
        "2026-06-06T12:00:00.123456789Z",
        "2026-06-06T14:00:00+02:00",
        "2026-06-06T12:00:00-00:00",
        "2026-06-06T06:15:00-05:45",
    ],
)
def test_equivalent_timestamps_are_equal(stamp: str) -> None:
    request = delivery(envelope({}, timestamp=stamp), event="user.login")
    assert Target().send(request).outcome == "processed"


@pytest.mark.answers("ts-noncanonical")
@pytest.mark.parametrize(
    "stamp",
    [
        "2026-06-06T12:00:00",
        "2026-06-06 12:00:00Z",
        "2026-06-06t12:00:00z",
        "20260606T120000Z",
        "2026-W23-6T12:00:00Z",
        "2026-06-06T12:00Z",
        "2026-06-06",
        "2026-06-31T12:00:00Z",
        "2026-06-06T24:00:00Z",
        "2026-06-06T12:00:00,5Z",
        "2026-06-06T12:00:00Z ",
        "2026-06-06T12:00:00Z\n",
        "2026-06-06T12:00:00+02",
        "2026-06-06T12:00:00+02:60",
        "2026-06-06T12:60:00Z",
        "\u0662\u0660\u0662\u0666-06-06T12:00:00Z",
        "1780747200",
        "",
    ],
)
def test_timestamp_outside_rfc_3339_is_malformed(stamp: str) -> None:
    request = delivery(envelope({}, timestamp=stamp), event="user.login")
    assert Target().send(request).outcome == "malformed"


@given(moment=st.datetimes(timezones=st.just(UTC)))
def test_delivery_is_stale_exactly_outside_the_tolerance(moment: datetime) -> None:
    stamp = moment.isoformat(timespec="microseconds")
    reply = Target().send(delivery(envelope({}, timestamp=stamp), event="user.login"))
    inside = -LEEWAY <= T0 - moment <= TOLERANCE
    assert reply.outcome == ("processed" if inside else "stale")


class Interrupted(MemoryStore):
    """A store that is unavailable while *away* is set."""

    away = True

    def execute(self, operation: Operation[A]) -> A:
        if self.away:
            raise Unavailable("the store is away")
        return super().execute(operation)


@pytest.mark.answers("TIME-13", "store-down")
@pytest.mark.parametrize("last", [450, 540], ids=["without time-outs", "with three of 30 s"])
def test_documented_retries_are_within_the_tolerance(last: int) -> None:
    store = Interrupted()
    target, statuses = Target(store=store), []
    for second in (0, 30, 150, last):
        target.clock.now = T0 + timedelta(seconds=second)
        store.away = second < last
        statuses.append(target.send(delivery()).status)
    assert statuses == [503, 503, 503, 200]
    assert len(target.ran) == 1


@pytest.mark.answers("TIME-14")
def test_late_replay_is_processed_once_with_a_wide_tolerance() -> None:
    week = timedelta(days=7)
    target = Target(
        now=T0 + timedelta(days=3), tolerance=week, retention=week + timedelta(minutes=5)
    )
    outcomes = [target.send(delivery()).outcome for _ in range(2)]
    assert outcomes == ["processed", "duplicate"]


@pytest.mark.answers("TIME-15")
def test_retention_shorter_than_the_tolerance_is_refused() -> None:
    with pytest.raises(ConfigurationError):
        Receiver(SECRET, store=MemoryStore(retention=TOLERANCE + LEEWAY - MILLISECOND))


def test_retention_as_long_as_the_tolerance_is_accepted() -> None:
    Receiver(SECRET, store=MemoryStore(retention=TOLERANCE + LEEWAY))


@pytest.mark.answers("TIME-16")
@pytest.mark.parametrize("retention", [TOLERANCE + LEEWAY, timedelta(hours=24)])
def test_replay_at_the_end_of_the_tolerance_is_a_duplicate(retention: timedelta) -> None:
    target = Target(now=T0 - LEEWAY, retention=retention)
    assert target.send(delivery()).outcome == "processed"
    target.clock.now = T0 + TOLERANCE - MILLISECOND
    assert target.send(delivery()).outcome == "duplicate"


@pytest.mark.answers("TIME-17")
@pytest.mark.parametrize(
    ("error", "age", "outcome"),
    [(-600, 0, "stale"), (600, 0, "processed"), (600, 300, "processed"), (600, 301, "stale")],
)
def test_wrong_clock_makes_deliveries_stale(error: int, age: int, outcome: str) -> None:
    target = Target(now=T0 + timedelta(seconds=error + age))
    assert target.send(delivery()).outcome == outcome


@pytest.mark.answers("TIME-18")
@pytest.mark.parametrize("step", [200, 900, 1200])
def test_replay_after_a_clock_step_back_is_a_duplicate(step: int) -> None:
    # The store counts its own seconds, which this clock does not move.
    target = Target(now=T0 + timedelta(seconds=800), store=MemoryStore())
    target.send(delivery())
    target.clock.forward(seconds=-step)
    assert target.send(delivery()).outcome == "duplicate"
    assert len(target.ran) == 1
