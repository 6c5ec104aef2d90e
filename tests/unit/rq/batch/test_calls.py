"""The script calls of batches: how long leases last, and what undoes a claim."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
import redis
import rq

from florentin_webhooks.core.stores.jobs import JobClaim, JobDecision
from florentin_webhooks.redis.schema import KeySchema
from florentin_webhooks.rq.batch.answers import ClaimAnswer, ClaimedJob
from florentin_webhooks.rq.batch.calls import Advance, BatchCalls, ClaimRequest, QueueTerms
from florentin_webhooks.rq.batch.keys import BatchKeys

ID = b"0123456789abcdef" * 2 + b"-q"
REQUEST = ClaimRequest(b"token", b"execution", 4, (ID,), datetime(2026, 6, 6, tzinfo=UTC), 90)


def calls(replicas: int) -> BatchCalls:
    schema = replace(KeySchema(b"fl:", 1, 2, 3, 4), replicas=replicas)
    queue = rq.Queue("q", connection=redis.Redis(), serializer="json")
    terms = QueueTerms("q", (b"[", b"]"), 60, 71.5, ("ab", "cd"), "path ab", "worker")
    return BatchCalls(schema, BatchKeys(queue, schema, "rq:worker:w:executions"), terms)


@pytest.mark.parametrize("replicas", [0, 2])
def test_calls_wait_for_the_replicas_of_their_store(replicas: int) -> None:
    claim, step = calls(replicas).claim(REQUEST), calls(replicas).advance(Advance(b"", b"", 90))
    assert (claim.replicas, step.replicas) == (replicas, replicas)
    assert (claim.is_record, step.is_record) == (False, replicas > 0)


def test_leases_are_in_milliseconds() -> None:
    claim, step = calls(0).claim(REQUEST), calls(0).advance(Advance(b"", b"", 90))
    assert claim.arguments[5:7] == (71_500, 10_000)
    assert step.arguments[3] == 71_500


def test_key_ids_of_a_receiver_are_separate_words() -> None:
    assert "ab cd" in calls(0).claim(REQUEST).arguments


def test_claim_without_its_replicas_is_undone() -> None:
    made = calls(1)
    undo = made.claim(REQUEST).undo
    assert undo is not None
    job = ClaimedJob(ID, 3, JobClaim(JobDecision.RUN))
    assert undo(ClaimAnswer((job,), (), (), None)) == made.give_back([ID], b"execution", b"token")
    assert undo(ClaimAnswer((), (), (), None)) is None
