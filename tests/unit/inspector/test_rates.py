"""Counts by minute and percentiles."""

from collections import Counter
from time import time

import pytest

from florentin_webhooks.inspector.rates import Rates


def test_counts_fall_into_their_minutes() -> None:
    rates, now = Rates(), time()
    for minutes in (0, 0, 5, 61):
        rates.count("accepted", now - 60 * minutes)
    hour = rates.series("accepted", 60, 1)
    assert (hour[-1], hour[-6], sum(hour)) == (2, 1, 3)
    assert sum(rates.series("accepted", 48, 30)) == 4
    assert sum(rates.series("refused", 60, 1)) == 0


def test_counts_of_yesterday_are_dropped() -> None:
    rates, now = Rates(), time()
    rates.count("failed", now - 2 * 86_400)
    rates.count("failed", now)
    assert len(rates._minutes) == 1


def test_percentiles_are_those_of_the_durations() -> None:
    rates = Rates()
    assert Rates().accepting is None
    for number in range(1, 101):
        rates.measure("accepted", number / 1000)
        rates.measure("failed", 1.0)
    assert rates.accepting is not None
    assert abs(rates.accepting.median - 0.05) < 0.002
    assert abs(rates.accepting.p99 - 0.099) < 0.002
    assert rates.handling is not None
    assert (rates.handling.size, rates.handling.p95) == (100, 1.0)


def test_counts_of_two_threads_in_a_new_minute_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def count_elsewhere() -> Counter[str]:
        monkeypatch.undo()
        rates.count("accepted", now)
        return Counter()

    rates, now = Rates(), time()
    monkeypatch.setattr("florentin_webhooks.inspector.rates.Counter", count_elsewhere)
    rates.count("accepted", now)
    assert sum(rates.series("accepted", 5, 1)) == 2
