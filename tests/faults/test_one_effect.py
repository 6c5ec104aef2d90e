"""Two who hold the same job, and one who wakes up too late: one effect."""

from __future__ import annotations

import os
import signal

import pytest

from tests.faults.florentin import Florentin, Sending
from tests.faults.program import QUEUE
from tests.faults.stage import Stage


@pytest.fixture
def sender(stage: Stage) -> Florentin:
    return Florentin(stage.url)


def effects(stage: Stage, sending: Sending) -> list[str]:
    """Which handlers have had their effect, as often as they had it."""
    notes = stage.oracle.notes(sending.business)
    return sorted(note.handler for note in notes if note.what == "effect")


def reached(stage: Stage, gate: str) -> bool:
    return (stage.folder / f"{gate} reached").exists()


def jobs(stage: Stage) -> list[bytes]:
    """The ids of the jobs that there are."""
    return [key.removeprefix(b"rq:job:") for key in stage.client.scan_iter("rq:job:*")]


def test_two_workers_with_the_same_job_have_one_effect(stage: Stage, sender: Florentin) -> None:
    sending = sender.sending("invoice.created", gate="first")
    assert sender.attempt(sending).status == 202
    stage.wait(lambda: reached(stage, "first"))
    stage.client.rpush(f"rq:queue:{QUEUE}", *jobs(stage))
    stage.wait(lambda: not stage.client.llen(f"rq:queue:{QUEUE}"))
    (stage.folder / "first open").touch()
    stage.settle()
    assert not stage.swept()
    assert effects(stage, sending) == ["bill", "notify"]


def test_a_job_that_was_pushed_three_times_by_hand_has_one_effect(
    stage: Stage, sender: Florentin
) -> None:
    stage.stop_all("fork")
    sending = sender.sending("subscription.purchased")
    assert sender.attempt(sending).status == 202
    [job] = jobs(stage)
    fields = stage.client.hgetall(f"rq:job:{job.decode()}")
    stage.client.rpush(f"rq:queue:{QUEUE}", job, job)
    stage.add("fork 7")
    stage.settle()
    stage.client.hset(f"rq:job:{job.decode()}", mapping=fields)  # type: ignore[arg-type]  # as it was.
    stage.client.rpush(f"rq:queue:{QUEUE}", job)
    stage.settle()
    assert effects(stage, sending) == ["resize", "tell"]


@pytest.mark.parametrize("kind", ["fork", "simple"])
def test_an_owner_that_wakes_up_after_its_lease_has_no_effect(
    stage: Stage, sender: Florentin, kind: str
) -> None:
    stage.stop_all("fork")
    stage.add(f"{kind} 8")
    sending = sender.sending("invoice.created", gate="late")
    assert sender.attempt(sending).status == 202
    stage.wait(lambda: reached(stage, "late"))
    owner = list(stage.oracle.open_runs().values())[-1]
    os.kill(owner, signal.SIGSTOP)
    if kind == "fork":
        os.kill(stage.running["fork 8"].pid, signal.SIGSTOP)
    stage.add("fork 9")
    stage.wait(lambda: effects(stage, sending) == ["bill", "notify"], seconds=30)
    (stage.folder / "late open").touch()
    os.kill(owner, signal.SIGCONT)
    os.kill(stage.running[f"{kind} 8"].pid, signal.SIGCONT)
    stage.settle()
    assert effects(stage, sending) == ["bill", "notify"]
    assert stage.oracle.count("start", sending.business) >= 3
