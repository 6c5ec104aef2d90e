"""The script calls of batches, and their answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from time import time
from typing import TYPE_CHECKING, NamedTuple

from rq.utils import utcformat

from florentin_webhooks.redis.schema import KeySchema, Script, ScriptCall, Words, load_script
from florentin_webhooks.rq.batch.answers import ClaimAnswer, read_claim, read_step

if TYPE_CHECKING:
    from datetime import datetime

    from florentin_webhooks.core.stores.accept import Finish
    from florentin_webhooks.rq.batch.keys import BatchKeys

__all__ = [
    "CHUNK",
    "WINDOW",
    "Advance",
    "BatchCalls",
    "ClaimRequest",
    "QueueTerms",
]

CLAIM_LEASE = 10.0
"""Seconds after which a dead worker's jobs are returned, but for those soon to begin."""

WINDOW = 8
"""The number of jobs that a claim keeps for all their time: they begin before an answer is read."""

CHUNK = 4
"""The number of jobs that one step keeps, so that fewer answers must be waited for."""

_CLAIM = load_script("claim_batch")
_RETURN = load_script("return_jobs")


class QueueTerms(NamedTuple):
    """What a job must have in common with the worker that claims it in a batch.

    *data* is what RQ's hash holds of it, before and after the fingerprint; *timeout* in seconds;
    *lease* is that of a job that runs.
    """

    queue: str
    data: tuple[bytes, bytes]
    timeout: int
    lease: float
    key_ids: tuple[str, ...]
    owner: str
    worker: str

    @property
    def conditions(self) -> Words:
        """The words that the script compares with those of a job."""
        before, after = self.data
        return (self.timeout, before, after, " ".join(self.key_ids), self.owner)


class ClaimRequest(NamedTuple):
    """At most *size* of the *candidates* at the head of the queue, or one that is *popped*."""

    token: bytes
    execution: bytes
    size: int
    candidates: tuple[bytes, ...]
    now: datetime
    ttl: int
    popped: bool = False


class Advance(NamedTuple):
    """The step from the *finish* of one job to the job that *begins*.

    *keeps* are some of those after it, which are not returned for all the time of their handlers.
    """

    token: bytes
    execution: bytes
    ttl: int
    finish: Finish | None = None
    begins: bytes = b""
    keeps: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class BatchCalls:
    """Encoder of the calls for one queue and worker."""

    schema: KeySchema
    keys: BatchKeys
    terms: QueueTerms
    script: Script = field(init=False)
    """The script of :meth:`advance`."""

    def __post_init__(self) -> None:
        constants = self.schema.constants()
        script = load_script("advance_batch", constants=constants, shared=False)
        object.__setattr__(self, "script", script)

    def claim(self, request: ClaimRequest) -> ScriptCall:
        """Encode *request*; read as :class:`ClaimAnswer`."""
        keys, terms, seconds = self.keys, self.terms, request.now.timestamp()
        fixed = (keys.queue, keys.intermediate, keys.started, keys.pending, keys.claimed)
        jobs = [key for id_ in request.candidates for key in keys.job(id_, request.execution)]
        arguments: list[bytes | str | int] = [request.token, terms.queue, request.execution]
        arguments += (terms.worker, request.size, int(terms.lease * 1000), int(CLAIM_LEASE * 1000))
        arguments += (utcformat(request.now), repr(seconds), int(seconds) + request.ttl)
        arguments += (request.ttl, *terms.conditions, int(request.popped), WINDOW)
        arguments += request.candidates
        call = ScriptCall(_CLAIM, (*fixed, keys.workers, *jobs), tuple(arguments), read_claim)
        if replicas := self.schema.replicas:
            return call._replace(replicas=replicas, undo=partial(self._release, request))
        return call

    def advance(self, step: Advance) -> ScriptCall:
        """Encode *step*; read as :class:`StepAnswer`."""
        keys, schema, finish = self.keys, self.schema, step.finish
        fixed = (schema.log, schema.done, schema.dead, keys.pending, keys.claimed)
        begins, *kept = (
            schema.records + bytes.fromhex(i[:32].decode()) for i in (step.begins, *step.keeps)
        )
        finished = self._finish_keys(finish, step.execution)
        all_keys = (*fixed, keys.started, keys.failed, keys.worker, begins, *finished, *kept)
        ends = int(time()) + step.ttl
        arguments: Words = (
            *(step.token, self.terms.queue, step.execution, int(self.terms.lease * 1000), ends),
            *(step.begins, *self._finish_arguments(finish), *step.keeps),
        )
        call = ScriptCall(self.script, all_keys, arguments, read_step)
        return call._replace(replicas=schema.replicas, is_record=bool(schema.replicas))

    def give_back(
        self, jobs: Sequence[bytes], execution: bytes = b"", token: bytes = b""
    ) -> ScriptCall:
        """Encode the return of *jobs*: ids of one batch, or entries whose leases have expired."""
        pairs = [tuple((id_ + b":" + execution).split(b":")[:2]) for id_ in jobs]
        keys = [key for id_, its in pairs for key in self.keys.job(id_, its)]
        fixed = (self.keys.queue, self.keys.started, self.keys.claimed)
        entries = (id_ + b":" + its for id_, its in pairs)
        return ScriptCall(_RETURN, (*fixed, *keys), (token, self.terms.queue, *entries), int)

    def _release(self, request: ClaimRequest, answer: ClaimAnswer) -> ScriptCall | None:
        ids = [job.id for job in answer.jobs]
        return self.give_back(ids, request.execution, request.token) if ids else None

    def _finish_keys(self, finish: Finish | None, execution: bytes) -> tuple[bytes, ...]:
        if finish is None or finish.part is None:
            return ()
        job_id = finish.part.id.encode()
        return (*self.keys.job(job_id, execution), *self.keys.remains(job_id))

    def _finish_arguments(self, finish: Finish | None) -> tuple[bytes | str, ...]:
        if finish is None or finish.part is None:
            return ("", "", "", "")
        return (finish.part.id, finish.key, finish.handler or "", finish.ending)
