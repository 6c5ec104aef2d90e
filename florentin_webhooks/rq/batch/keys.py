"""The keys of the scripts of batches: RQ's own, as RQ names them, and the store's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast

from rq.executions import Execution, ExecutionRegistry
from rq.job import Job
from rq.results import Result
from rq.worker_registration import WORKERS_BY_QUEUE_KEY

if TYPE_CHECKING:
    import rq

    from florentin_webhooks.redis.schema import KeySchema

__all__ = ["BatchKeys", "ClaimedJobKeys"]

_ID = f"{'0' * 32}-any"


class _Template(NamedTuple):
    """A key that contains the id of a job."""

    before: bytes
    after: bytes

    @classmethod
    def of(cls, key: str | bytes, tag: bytes) -> _Template:
        """Return the template of the *key* of the job ``_ID``, after the *tag* of its lane."""
        before, _, after = _to_bytes(key).partition(_ID.encode())
        return cls(tag + before, after)

    def fill(self, job_id: bytes) -> bytes:
        """Return the key of the job *job_id*."""
        return self.before + job_id + self.after


class ClaimedJobKeys(NamedTuple):
    """The keys of one job: its record, RQ's hash, its execution, and RQ's executions of the job."""

    record: bytes
    hash: bytes
    execution: bytes
    executions: bytes


class BatchKeys:
    """The keys of *queue*'s jobs in batches of the worker whose executions are at *worker_key*."""

    def __init__(self, queue: rq.Queue, schema: KeySchema, worker_key: str) -> None:
        untyped: Any = queue  # Any: rq leaves its types open, also below.
        client, self._schema, tag = untyped.connection, schema, schema.tag.encode()
        self.queue = tag + _to_bytes(untyped.key)
        self.intermediate = tag + _to_bytes(untyped.intermediate_queue_key)
        self.started = tag + _to_bytes(untyped.started_job_registry.key)
        self.failed = tag + _to_bytes(untyped.failed_job_registry.key)
        self.workers = tag + _to_bytes(WORKERS_BY_QUEUE_KEY % untyped.name)
        self.worker = tag + _to_bytes(worker_key)
        self.pending, self.claimed = schema.pending(untyped.name), schema.claimed(untyped.name)
        job: Any = Job(_ID, connection=client, serializer="json")
        self._hash = _Template.of(job.key, tag)
        self._execution = _Template.of(Execution("", _ID, client).key, tag)
        self._executions = _Template.of(cast("Any", ExecutionRegistry)(_ID, client).key, tag)
        others = (cast("Any", Result).get_key(_ID), job.dependents_key, job.dependencies_key)
        self._others = [_Template.of(key, tag) for key in others]

    def job(self, job_id: bytes, execution: bytes) -> ClaimedJobKeys:
        """Return the keys of the job *job_id* in *execution*."""
        return ClaimedJobKeys(
            self._schema.records + bytes.fromhex(job_id[:32].decode()),
            self._hash.fill(job_id),
            self._execution.fill(job_id) + execution,
            self._executions.fill(job_id),
        )

    def remains(self, job_id: bytes) -> tuple[bytes, ...]:
        """Return the other keys that RQ may have of a job, such as its earlier results."""
        return tuple(key.fill(job_id) for key in self._others)


def _to_bytes(key: str | bytes) -> bytes:
    return key if isinstance(key, bytes) else key.encode()
