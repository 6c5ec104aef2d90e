"""Anybody may be killed at any time: what was acknowledged is done, and done once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.figures import Figures
from tests.faults.florentin import Florentin
from tests.faults.mayhem import Mayhem
from tests.faults.stage import Stage


@pytest.mark.parametrize(
    ("deliveries", "rate"),
    [
        pytest.param(120, 15, id="short"),
        pytest.param(500, 8, id="long", marks=pytest.mark.long),
    ],
)
def test_what_was_acknowledged_is_done_and_done_once_whoever_is_killed(
    directory: Path,
    seed: int,
    record_property: Callable[[str, object], None],
    deliveries: int,
    rate: float,
) -> None:
    with Stage(directory, webs=2, workers=2) as stage:
        sender, mayhem = Florentin(stage.url, seed), Mayhem(stage, seed)
        sending = threading.Thread(target=sender.run, args=(deliveries,), kwargs={"rate": rate})
        sending.start()
        mayhem.rage(lambda: sender.over, pause=(0.2, 0.9))
        sending.join()
        given_up = [each for each in sender.sent if not each.acknowledged]
        for each in given_up:  # As an operator at Florentin has them sent again.
            stage.wait(lambda once_more=each: sender.attempt(once_more).acknowledged)  # type: ignore[misc]  # a bound value.
        stage.settle()
        before = stage.oracle.notes()
        replayed = {attempt.status for attempt in sender.replay()}
        assert not stage.stuck()
        after = stage.oracle.notes()
    figures = Figures(sender, mayhem, before)
    record_property("figures", figures.line(seed=seed, given_up=len(given_up)))
    assert replayed == {200}, "a replay was not answered as a duplicate"
    assert after == before, "a replay has run something"
    assert not figures.lost()
    assert not figures.unexpected()
    assert not figures.let_in()
    assert not figures.odd()
    wrong, window, unguarded = figures.doubles()
    assert not wrong, "an effect that had been recorded came again"
    assert window + unguarded <= 2 * len(mayhem.faults)
    hits = figures.hits()
    missed = {"web", "horse", "worker", "server"} - set(hits)
    assert not missed, f"invalid, not passed: nothing in flight was hit by killing {missed}"
