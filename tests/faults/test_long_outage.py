"""An outage that is longer than all retries of a sender: nothing is lost, doubled or forged."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from florentin_webhooks import Spool
from tests.faults.florentin import WAITS, Florentin, Sending, Ways
from tests.faults.oracle import Note
from tests.faults.stage import Stage
from tests.faults.test_chaos import Figures, Mayhem, Storm

HOUR = 3600
KNOWN = Ways(same_id=True, same_body=True)
"""A retry that a receiver can know as one, since nothing may be doubled here."""


class Hour(Storm):
    """Florentin's deliveries during an hour, with retries, repetitions and forgeries."""

    def sending(self, event: str | None = None, *, gate: str | None = None) -> Sending:
        """Return the next one."""
        sending = super().sending(event, gate=gate)
        sending.ways = KNOWN
        return sending


def has_drained(stage: Stage) -> bool:
    stage.revive()
    return not Spool(stage.spool).has_waiting()


def effects(notes: list[Note]) -> Counter[tuple[str, str]]:
    return Counter((note.business, note.handler) for note in notes if note.what == "effect")


def wanted(sendings: list[Sending]) -> dict[tuple[str, str], int]:
    return dict.fromkeys((each for sending in sendings for each in sending.expected), 1)


def test_process_killed_after_spooling_loses_and_doubles_nothing(directory: Path) -> None:
    with Stage(directory, webs=1, workers=0, spooled=True) as stage:
        sender = Florentin(stage.url)
        for _ in range(6):
            sender.sending("user.login").ways = KNOWN
        stage.arm("after append")
        with stage.gone(), ThreadPoolExecutor(3) as threads:
            assert sender.attempt(sender.sent[0]).status == 0
            assert stage.has_died("after append")
            stage.running["web 0"].wait(60)
            stage.revive()
            assert {each.status for each in threads.map(sender.attempt, sender.sent)} == {202}
            assert not stage.oracle.notes()
        stage.wait(lambda: has_drained(stage))
        assert effects(stage.oracle.notes()) == wanted(sender.sent)


@pytest.mark.long
def test_drain_that_a_kill_has_cut_is_taken_over(directory: Path) -> None:
    with Stage(directory, webs=2, workers=0, spooled=True) as stage:
        sender = Florentin(stage.url)
        for _ in range(60):
            sender.sending("user.login").ways = KNOWN
        with stage.gone(), ThreadPoolExecutor(3) as threads:
            assert {each.status for each in threads.map(sender.attempt, sender.sent)} == {202}
            stage.arm("before removal")
        stage.wait(lambda: stage.has_died("before removal"))
        left = Spool(stage.spool).measure().waiting
        assert left
        # The process that was killed does not come back: the other one has to wait for its lease.
        stage.wait(lambda: not Spool(stage.spool).has_waiting(), seconds=60)
        assert len([each for each in stage.running.values() if each.poll() is not None]) == 1
        assert effects(stage.oracle.notes()) == wanted(sender.sent)


@pytest.mark.long
def test_hour_without_redis_loses_and_doubles_nothing(
    directory: Path, seed: int, record_property: Callable[[str, object], None]
) -> None:
    with Stage(directory, webs=2, workers=2, spooled=True) as stage:
        sender, mayhem = Hour(stage.url, seed), Mayhem(stage, seed)
        before = [sender.sending("invoice.created") for _ in range(5)]
        for each in before:
            sender.push(each)
        stage.settle()
        rate, seconds = 8, HOUR * sender.scale
        with stage.gone():
            assert {sender.attempt(each).status for each in before} == {202}
            began, kills = time.monotonic(), _storm(stage, sender, int(rate * seconds), rate, seed)
            outage = time.monotonic() - began
            waiting = Spool(stage.spool).measure().waiting
            stage.arm("before removal")
        stage.wait(lambda: has_drained(stage), seconds=60)
        assert stage.has_died("before removal")
        stage.settle(seconds=180)
        taken = [each for each in sender.sent if each.acknowledged]
        notes = stage.oracle.notes()
        replayed = {attempt.status for attempt in sender.replay()}
        assert stage.oracle.notes() == notes, "a replay has run something"
    figures = Figures(sender, mayhem, notes)
    more = {"seed": seed, "outage": round(outage), "waiting": waiting, "web_kills": kills}
    record_property("figures", figures.line(**more))
    assert outage > 7 * sum(WAITS) * sender.scale
    assert replayed == {200}
    assert len(taken) > 0.95 * len(sender.sent)
    assert not figures.let_in()
    assert effects(notes) | wanted(sender.sent) == wanted(sender.sent), "doubled or forged"
    assert not figures.lost()
    assert kills >= 5


def _storm(stage: Stage, sender: Storm, count: int, rate: float, seed: int) -> int:
    """Send *count* events, kill web processes meanwhile, and return how many."""
    draw, kills = random.Random(seed), 0  # noqa: S311 - a seed is there to repeat a run.
    sending = threading.Thread(target=sender.run, args=(count,), kwargs={"rate": rate})
    sending.start()
    while not sender.over:
        sending.join(draw.uniform(0.5, 4))
        stage.kill(draw.choice(stage.names("web")))
        stage.revive()
        kills += 1
    sending.join()
    return kills
