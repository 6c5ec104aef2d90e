"""What receivers, workers and operators ask of a store: a queued delivery, and its records."""

from __future__ import annotations

from florentin_webhooks.core.queue import Job
from florentin_webhooks.core.stores.accept import Accept, Finish
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.jobs import ClaimJob, JobDecision
from florentin_webhooks.core.stores.queries import GetRecord, ListRecords, Record
from florentin_webhooks.protocol.fingerprint import fingerprint
from tests.support.parts import job
from tests.support.stores import Subject, accept, claimed, content, finish

BODY = content()
KEY = fingerprint(BODY)
JOB = job(BODY)
PART = job(BODY, handlers=())
OTHER = job(BODY, "other", ("m:mail", "m:count"))


def queued(body: bytes = BODY, *jobs: Job, token: bytes = b"first", **given: object) -> Accept:
    pushed = jobs or (job(body),)
    return accept(body, token=token, inline=False, jobs=pushed, **given)  # type: ignore[arg-type]  # as accept() takes.


def begin(
    part: Job = PART, *, token: bytes = b"worker", seconds: float = 3600, key: bytes = KEY
) -> ClaimJob:
    return ClaimJob(key, token, part, seconds)


def ended(
    state: State = State.DONE,
    *,
    part: Job = PART,
    token: bytes = b"worker",
    handler: str | None = None,
    reason: str = "",
) -> Finish:
    return Finish(KEY, token, state, handler, reason=reason, part=part)


def run(store: Subject, state: State, part: Job = PART, token: bytes = b"worker") -> State:
    """Take a part as a worker and finish it."""
    assert store.ask(begin(part, token=token)).decision is JobDecision.RUN
    return store.finish(ended(state, part=part, token=token))


def done(store: Subject, number: int) -> bytes:
    """Complete a delivery and return its key."""
    body = content(number)
    claimed(store, body, under=f"id-{number}")
    assert store.finish(finish(body, handler="m:bill")) is State.DONE
    return fingerprint(body)


def found(store: Subject, key: bytes) -> Record:
    record = store.ask(GetRecord(key))
    assert record is not None
    return record


def listed(store: Subject, **given: object) -> list[str]:
    """Return the fingerprints of the first page, which is the only one of a few deliveries."""
    return [each.fingerprint for each in store.ask(ListRecords(**given)).records]  # type: ignore[arg-type]  # as List.
