"""A process is killed at one point: nothing is lost, and there is one effect."""

from __future__ import annotations

import json
from collections import Counter
from typing import cast

import pytest

from florentin_webhooks.senders import GitHub
from florentin_webhooks.testing import Provider
from tests.faults.florentin import Attempt, Florentin
from tests.faults.program import PARTNER_SECRET, QUEUE
from tests.faults.stage import Stage
from tests.support.waiting import eventually


def effects(stage: Stage) -> list[str]:
    return sorted(note.handler for note in stage.oracle.notes() if note.what == "effect")


@pytest.mark.answers("RPL-07")
@pytest.mark.parametrize("point", ["before Accept", "after Accept"])
def test_web_process_killed_around_accept_loses_nothing(stage: Stage, point: str) -> None:
    sender = Florentin(stage.url)
    sending = sender.sending("invoice.created")
    stage.arm(point)
    assert sender.attempt(sending).status == 0
    stage.wait(stage.running["web 0"].poll)
    stage.revive()
    eventually(lambda: sender.attempt(sending).acknowledged)
    stage.settle()
    assert effects(stage) == ["bill", "notify"]


@pytest.mark.answers("RQ-07")
def test_killed_work_horses_have_each_effect_once(stage: Stage) -> None:
    sender = Florentin(stage.url)
    points = [
        "before step",
        "after step",
        "before ClaimJob",
        "after ClaimJob",
        "before Once begin",
        "after Once begin",
        "after Once done",
        "before Finish",
        "after Finish",
    ]
    # The one exception: an effect that could not be recorded.
    unrecorded = ["after the effect", "before Once done"]
    for point in points + unrecorded:
        stage.arm(point)
        sender.deliver("invoice.created")
    stage.settle()
    assert all(map(stage.has_died, points + unrecorded))
    assert not stage.swept()
    had = Counter(effects(stage))
    assert had["bill"] == len(sender.sent) + len(unrecorded)
    assert len(sender.sent) <= had["notify"] <= len(sender.sent) + 2  # It goes without a guard.
    assert {note.business for note in stage.oracle.notes()} == {s.business for s in sender.sent}


def test_killed_worker_of_two_senders_has_each_effect_once(stage: Stage) -> None:
    florentin, github = Florentin(stage.url), Provider(PARTNER_SECRET, sender=GitHub())
    url = stage.url.replace("florentin", "github")
    points = ["before ClaimJob", "after Once done", "after Finish"]
    for point in points:
        stage.arm(point)
        made = github.make("push")
        eventually(lambda sent=made: github.send(url, sent).status in (200, 202))  # type: ignore[misc]  # a bound value.
        florentin.deliver("invoice.created")
    stage.settle()
    assert all(map(stage.has_died, points))
    had = [n for n in stage.oracle.notes() if n.what == "effect" and n.handler != "notify"]
    assert Counter(note.handler for note in had) == {"bill": len(points), "build": len(points)}
    assert len({note.business for note in had}) == len(had)


@pytest.mark.answers("RQ-09")
def test_half_moved_job_is_requeued(stage: Stage) -> None:
    sender = Florentin(stage.url)
    stage.arm("popped")
    sender.deliver("invoice.created")
    # A killed work-horse makes its worker schedule the job; and then that one is killed as well.
    stage.arm("after Once begin")
    stage.arm("before it is scheduled")
    sender.deliver("invoice.created")
    stage.settle()
    assert stage.has_died("popped")
    assert stage.has_died("before it is scheduled")
    assert effects(stage) == ["bill", "bill", "notify", "notify"]


def test_popped_or_evicted_jobs_are_requeued(stage: Stage) -> None:
    sender = Florentin(stage.url)
    stage.stop_all("fork")
    for _ in range(4):
        sender.deliver("invoice.created")
    # A worker of two queues pops with BLPOP, which leaves no trace, and then it is killed.
    assert stage.client.lpop(f"rq:queue:{QUEUE}")
    [evicted] = stage.client.lrange(f"rq:queue:{QUEUE}", 0, 0)
    assert isinstance(evicted, bytes)
    assert stage.client.delete(f"rq:job:{evicted.decode()}")
    stage.add("fork 7")
    stage.settle()
    assert stage.swept() == 2
    assert effects(stage) == ["bill"] * 4 + ["notify"] * 4


def test_job_is_requeued_after_eviction_of_all_rq_keys(stage: Stage) -> None:
    sender = Florentin(stage.url)
    stage.stop_all("fork")
    sender.deliver("invoice.created")
    for key in stage.client.scan_iter("rq:*"):
        stage.client.delete(key)
    stage.add("fork 7")
    stage.settle()
    assert effects(stage) == ["bill", "notify"]


def test_killed_batch_repeats_only_the_job_that_runs(stage: Stage) -> None:
    sender = Florentin(stage.url)
    stage.stop_all("fork")
    # A delivery would be lost to a worker that the server still takes for alive, and swept later.
    stage.wait(lambda: stage.client.info("clients")["blocked_clients"] == 0)
    sendings = [sender.sending("invoice.created") for _ in range(14)]
    for sending in sendings:
        sending.work = 0
    sendings[3].gate = "killed"
    fingerprints = [fingerprint_in(sender.push(sending)) for sending in sendings]
    stage.add("simple 7")
    stage.wait((stage.folder / "killed 1 reached").exists)
    assert effects(stage) == ["bill"] * 3 + ["notify"] * 3
    (stage.folder / "killed 2 open").touch()
    assert Counter(attempts(stage, fingerprints)) == {1: 4, 0: 10}
    stage.kill("simple 7")
    stage.settle()
    assert effects(stage) == ["bill"] * 14 + ["notify"] * 14
    assert attempts(stage, fingerprints) == [1, 1, 1, 2, *[1] * 10]


def fingerprint_in(attempt: Attempt) -> str:
    assert attempt.answer is not None
    return str(json.loads(attempt.answer.body)["data"]["delivery"])


def attempts(stage: Stage, fingerprints: list[str]) -> list[int]:
    """Return how often each of the deliveries has begun."""
    keys = [b"fl:d" + bytes.fromhex(each) for each in fingerprints]
    return [int(cast("bytes", stage.client.hget(key, f"x:{QUEUE}")) or 0) for key in keys]
