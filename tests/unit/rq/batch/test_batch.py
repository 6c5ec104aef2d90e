"""A batch: which of its jobs may begin, and which are returned."""

from __future__ import annotations

import os
import time
from types import SimpleNamespace
from typing import cast

import redis

from florentin_webhooks.core.stores.jobs import JobClaim, JobDecision
from florentin_webhooks.rq.batch.answers import ClaimedJob
from florentin_webhooks.rq.batch.batch import OPEN_SECONDS, Batch
from florentin_webhooks.rq.batch.calls import BatchCalls


def made(jobs: int, since: float = 0) -> Batch:
    claim = JobClaim(JobDecision.RUN)
    claimed = tuple(ClaimedJob(b"%032x-q" % number, 3, claim) for number in range(jobs))
    calls = cast("BatchCalls", SimpleNamespace(terms=SimpleNamespace(timeout=60)))
    return Batch(redis.Redis(), claimed, (b"token", b"execution"), calls, time.monotonic() + since)


def test_job_that_began_is_not_returned() -> None:
    batch = made(3)
    assert batch.try_to_begin(1)
    assert batch.rest == (batch.jobs[2].id,)
    assert batch.id == batch.jobs[1].id.decode()


def test_no_job_begins_in_a_closed_batch() -> None:
    assert made(1, 0.5 - OPEN_SECONDS).try_to_begin(0)
    assert not made(1, -OPEN_SECONDS).try_to_begin(0)


def test_progress_is_shared_with_a_forked_process() -> None:
    batch = made(3)
    child = os.fork()
    if not child:
        batch.try_to_begin(2)
        batch.progress.stop()
        os._exit(0)
    os.waitpid(child, 0)
    assert batch.progress.position == 2
    assert not batch.try_to_begin(2)
