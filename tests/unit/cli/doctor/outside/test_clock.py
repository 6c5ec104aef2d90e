"""The Date of an answer shows the clock of the other side."""

from __future__ import annotations

from email.utils import formatdate

import pytest

from florentin_webhooks.cli.doctor.outside.clock import check_clock, check_time, seconds_ahead
from florentin_webhooks.cli.doctor.outside.exchange import Exchange

NOW = 1_795_906_080.0


def dated(ahead: float, **headers: str) -> Exchange:
    date = formatdate(NOW + ahead, usegmt=True)
    return Exchange("http://shop/", 401, headers={"date": date, **headers}, began=NOW, seconds=1)


@pytest.mark.parametrize(
    ("ahead", "state"),
    [(0, "ok"), (29, "ok"), (60, "warn"), (-60, "warn"), (901, "fail"), (-301, "fail")],
)
def test_clock_is_compared_with_tolerance_and_leeway(ahead: float, state: str) -> None:
    (check,) = check_clock(dated(ahead))
    assert check.state == state
    assert ("chrony" in check.hint) is (state != "ok")


@pytest.mark.parametrize(
    "sent",
    [
        Exchange("http://shop/", 401),
        Exchange("http://shop/", 401, headers={"date": "yesterday"}),
        dated(900, age="900"),
    ],
)
def test_clock_is_unknown_without_a_fresh_date(sent: Exchange) -> None:
    assert seconds_ahead(sent) is None
    assert list(check_clock(sent)) == []


@pytest.mark.parametrize(("seconds", "states"), [(1, []), (4, ["warn"]), (11, ["fail"])])
def test_late_answer_is_reported(seconds: float, states: list[str]) -> None:
    found = list(check_time(Exchange("http://shop/", 401, seconds=seconds)))
    assert [check.state.value for check in found] == states
