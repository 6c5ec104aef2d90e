"""Two owners of one job, and an owner whose lease has expired: one effect."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.faults.florentin import Florentin, Sending
from tests.faults.program import QUEUE
from tests.faults.stage import Stage

kinds = pytest.mark.parametrize(
    "kind", ["fork", pytest.param("simple", marks=pytest.mark.long)], ids=["fork", "simple"]
)


@pytest.fixture
def sender(stage: Stage) -> Florentin:
    return Florentin(stage.url)


def effects(stage: Stage, sending: Sending) -> list[str]:
    """Which handlers have had their effect, as often as they had it."""
    notes = stage.oracle.notes(sending.business)
    return sorted(note.handler for note in notes if note.what == "effect")


def reached(stage: Stage, number: int) -> bool:
    """Whether the first, or the second, to come to the gate has come."""
    return (stage.folder / f"gate {number} reached").exists()


def open_for(stage: Stage, number: int) -> None:
    """Open the gate for the first or the second."""
    (stage.folder / f"gate {number} open").touch()


def jobs(stage: Stage) -> list[bytes]:
    """The ids of the jobs that there are."""
    return [key.removeprefix(b"rq:job:") for key in stage.client.scan_iter("rq:job:*")]


def test_two_workers_with_one_job_have_one_effect(stage: Stage, sender: Florentin) -> None:
    open_for(stage, 2)
    sending = sender.deliver("invoice.created", gate="gate")
    stage.wait(lambda: reached(stage, 1))
    stage.client.rpush(f"rq:queue:{QUEUE}", *jobs(stage))
    stage.wait(lambda: not stage.client.llen(f"rq:queue:{QUEUE}"))
    open_for(stage, 1)
    stage.settle()
    assert not stage.swept()
    assert effects(stage, sending) == ["bill", "notify"]


def test_job_pushed_three_times_has_one_effect(stage: Stage, sender: Florentin) -> None:
    stage.stop_all("fork")
    sending = sender.deliver("subscription.purchased")
    [job] = jobs(stage)
    fields = stage.client.hgetall(f"rq:job:{job.decode()}")
    stage.client.rpush(f"rq:queue:{QUEUE}", job, job)
    stage.add("fork 7")
    stage.settle()
    stage.client.hset(f"rq:job:{job.decode()}", mapping=fields)  # type: ignore[arg-type]  # as it was.
    stage.client.rpush(f"rq:queue:{QUEUE}", job)
    stage.settle()
    assert effects(stage, sending) == ["resize", "tell"]


@kinds
def test_expired_lease_owner_has_no_effect(stage: Stage, sender: Florentin, kind: str) -> None:
    sending = sender.sending("invoice.created", gate="gate")
    open_for(stage, 2)
    with asleep(stage, sender, sending, kind):
        stage.add("fork 9")
        stage.wait(lambda: effects(stage, sending) == ["bill", "notify"])
    stage.settle()
    assert effects(stage, sending) == ["bill", "notify"]
    assert stage.oracle.count("start", sending.business) >= 3


@kinds
def test_expired_lease_owner_does_not_release_the_new_lease(
    stage: Stage, sender: Florentin, kind: str
) -> None:
    sending = sender.sending("invoice.created", gate="gate")
    with asleep(stage, sender, sending, kind):
        stage.add("fork 9")
        stage.wait(lambda: reached(stage, 2))
        held = lease(stage, sending)
        [job] = jobs(stage)
    stage.wait(lambda: stage.client.hget(f"rq:job:{job.decode()}", "status") == b"scheduled")
    assert held
    assert lease(stage, sending) == held
    open_for(stage, 2)
    stage.settle()
    assert effects(stage, sending) == ["bill", "notify"]


@contextmanager
def asleep(stage: Stage, sender: Florentin, sending: Sending, kind: str) -> Iterator[None]:
    """Stop the only worker within its handler, and continue it at the end."""
    stage.stop_all("fork")
    stage.add(f"{kind} 8")
    sender.push(sending)
    stage.wait(lambda: reached(stage, 1))
    sleepers = {*stage.oracle.open_runs().values(), stage.running[f"{kind} 8"].pid}
    for pid in sleepers:
        os.kill(pid, signal.SIGSTOP)
    yield
    open_for(stage, 1)
    for pid in sleepers:
        os.kill(pid, signal.SIGCONT)


def lease(stage: Stage, sending: Sending) -> bytes | None:
    """The token of the one that holds the part in the queue."""
    answer = sending.attempts[-1].answer
    assert answer
    key = bytes.fromhex(json.loads(answer.body)["data"]["delivery"])
    token = stage.client.hget(b"fl:d" + key, f"t:{QUEUE}")
    assert token is None or isinstance(token, bytes)
    return token
