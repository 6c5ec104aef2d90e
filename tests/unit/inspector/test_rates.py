"""Counts by minute and percentiles."""

from datetime import UTC, datetime, timedelta

from florentin_webhooks.inspector.rates import Rates


def test_counts_fall_into_their_minutes() -> None:
    rates, now = Rates(), datetime.now(UTC)
    for minutes in (0, 0, 5, 61):
        rates.add("accepted", now - timedelta(minutes=minutes), None)
    hour = rates.series("accepted", 60, 1)
    assert (hour[-1], hour[-6], sum(hour)) == (2, 1, 3)
    assert sum(rates.series("accepted", 48, 30)) == 4
    assert sum(rates.series("refused", 60, 1)) == 0


def test_counts_of_yesterday_are_dropped() -> None:
    rates, now = Rates(), datetime.now(UTC)
    rates.add("failed", now - timedelta(days=2), None)
    rates.add("failed", now, None)
    assert len(rates._minutes) == 1


def test_percentiles_are_those_of_the_durations() -> None:
    rates, now = Rates(), datetime.now(UTC)
    assert Rates().accepting is None
    for number in range(1, 101):
        rates.add("accepted", now, number / 1000)
        rates.add("failed", now, 1.0)
    assert rates.accepting is not None
    assert abs(rates.accepting.median - 0.05) < 0.002
    assert abs(rates.accepting.p99 - 0.099) < 0.002
    assert rates.handling is not None
    assert (rates.handling.size, rates.handling.p95) == (100, 1.0)
