"""Packed steps: the same bytes as the encoded calls."""

from __future__ import annotations

from dataclasses import replace

import pytest
import redis
import rq

from florentin_webhooks.core.queue import Job, JobKeys
from florentin_webhooks.core.stores.accept import Finish, HandlerOutcome
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.redis.executors.resp import encode_command
from florentin_webhooks.redis.schema import KeySchema
from florentin_webhooks.rq.batch import calls as calls_of_batches
from florentin_webhooks.rq.batch import packed as packed_steps
from florentin_webhooks.rq.batch.calls import Advance, BatchCalls, QueueTerms
from florentin_webhooks.rq.batch.keys import BatchKeys
from florentin_webhooks.rq.batch.packed import PackedSteps, StepTemplates

SCHEMA = KeySchema(b"fl:", 1, 2, 3, 4)


@pytest.fixture
def calls() -> BatchCalls:
    queue = rq.Queue("q", connection=redis.Redis(), serializer="json")
    terms = QueueTerms("q", (b"[", b"]"), 60, 71, ("ab",), "path ab", "worker")
    return BatchCalls(SCHEMA, BatchKeys(queue, SCHEMA, "rq:worker:w:executions"), terms)


def job_id(number: int) -> bytes:
    return b"%032x-q" % (number + 2**120)


def finish(number: int, handler: str | None, outcome: HandlerOutcome) -> Finish:
    key, part = job_id(number), Job(job_id(number).decode(), "q", (), JobKeys(*"hrlfis"), "", b"")
    return Finish(
        bytes.fromhex(key[:32].decode()), b"token", State.DONE, handler, outcome, "", part
    )


@pytest.mark.parametrize("batches", [1, 3])
def test_packed_steps_equal_the_encoded_calls(
    calls: BatchCalls, batches: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (calls_of_batches, packed_steps):
        monkeypatch.setattr(module, "time", lambda: 1_764_000_000.5)
    done, discarded = HandlerOutcome.DONE, HandlerOutcome.DISCARDED
    templates = StepTemplates(calls)
    for number in range(1, 7):
        token, execution = b"%d token%%" % (number % batches), b"%032x" % (number % batches)
        packed, base = PackedSteps(templates, token, execution, 90), Advance(token, execution, 90)
        begins, keeps = job_id(10 + number), (job_id(20 + number), job_id(30 + number))
        steps = [
            base._replace(begins=begins, keeps=keeps),
            base._replace(begins=begins, keeps=keeps[:1], finish=finish(number, "shop:bill", done)),
            base._replace(begins=begins, finish=finish(number, "shop:bill", discarded)),
            base._replace(finish=finish(number, None, done)),
            base._replace(finish=replace(finish(number, None, discarded), note=f"test {number}")),
        ]
        for step in 2 * steps:
            assert packed.pack(step) == encode_command(calls.advance(step).evalsha())
