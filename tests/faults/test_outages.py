"""A server that is gone, hangs or is full, while a web process and workers go on."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from statistics import median

import pytest

from tests.faults.florentin import Florentin
from tests.faults.program import EFFECTS
from tests.faults.stage import Stage
from tests.support.waiting import eventually

pytestmark = pytest.mark.answers("RQ-12")

BOUND = 2.0
"""The longest that a sender waits for an answer, in seconds."""

Outage = Callable[[Stage], AbstractContextManager[None]]

outages = pytest.mark.parametrize(
    "outage", [Stage.gone, Stage.hanging, Stage.full], ids=["gone", "hanging", "full"]
)
lasting = pytest.mark.parametrize(
    "seconds",
    [pytest.param(1, id="short"), pytest.param(30, id="long", marks=pytest.mark.long)],
)


@lasting
@outages
def test_outage_is_answered_in_time_and_nothing_is_lost(
    stage: Stage, outage: Outage, seconds: float
) -> None:
    sender = Florentin(stage.url)
    before = [sender.sending() for _ in range(4)]
    during = [sender.sending() for _ in range(16)]
    processes = {name: process.pid for name, process in stage.running.items()}
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(sender.push, before))
        with outage(stage):
            end = time.monotonic() + seconds
            reported = list(threads.map(sender.attempt, during))
            while time.monotonic() < end:
                reported.append(sender.attempt(during[0]))
        # What a hanging server was asked it does when it wakes up, though no client waits any more:
        # the lease of an inline handler is then taken, for a moment.
        list(threads.map(lambda each: _until_taken(sender, each), during))
    assert {each.status for each in reported} <= {503}
    # On a busy machine some wait for a processor.
    assert median(each.ended - each.began for each in reported) < BOUND
    stage.settle()
    assert {name: process.pid for name, process in stage.running.items()} == processes
    effects = {(n.business, n.handler) for n in stage.oracle.notes() if n.what == "effect"}
    wanted = {(s.business, handler) for s in sender.sent for handler in EFFECTS[s.event]}
    assert effects == wanted


def _until_taken(sender: Florentin, each: object) -> None:
    eventually(lambda: sender.attempt(each).acknowledged)  # type: ignore[arg-type]  # a Sending.
