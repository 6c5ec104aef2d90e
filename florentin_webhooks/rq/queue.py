"""The RQ queue: jobs prepared for workers, without a connection.

A job carries the delivery's fingerprint, its queue and the receiver's import path, as JSON. Never a
body, never a pickle: write access to Redis must not be enough to run code in a worker.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from operator import itemgetter
from time import time_ns
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import redis
import rq
from rq.results import Result
from rq.utils import now

from florentin_webhooks.core.queue import Job, JobKeys, QueueFacts
from florentin_webhooks.core.routing.handler import validate_queue_name
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.protocol.frozen import new_tuple
from florentin_webhooks.redis.codec.message_pack import pack_texts
from florentin_webhooks.rq.measure import measure_all

if TYPE_CHECKING:
    from collections.abc import Callable

    from florentin_webhooks.redis.store import RedisStore

__all__ = [
    "PROCESS",
    "RQQueue",
]

PROCESS = "florentin_webhooks.rq.process"
"""The only function that a job of ours may name."""

_NO_FINGERPRINT = "0" * 32

_NO_TIME = "0000-00-00T00:00:00.000000Z"

_VALUES = re.compile(f"({_NO_FINGERPRINT}|{re.escape(_NO_TIME)})".encode())


class _JobTemplate(NamedTuple):
    """A job as RQ builds it, with places for its fingerprint and its time."""

    words: bytes
    pick: Callable[[tuple[bytes, bytes]], tuple[bytes, ...]]
    """Returns what to fill into the words, of the fingerprint and the time: each several times."""
    hash: str
    results: str
    others: tuple[str, ...]
    queues: str

    def fill(self, fingerprint: str, time: str) -> tuple[bytes, JobKeys]:
        """Return the words and the keys of one job."""
        words = self.words % self.pick((fingerprint.encode(), time.encode()))
        hash_key, results = self.hash % fingerprint, self.results % fingerprint
        return words, new_tuple(JobKeys, (hash_key, results, *self.others))


class RQQueue:
    """A queue of RQ, in which workers run handlers.

    Args:
        name: The queue of all handlers that do not name another one.
        retries: The seconds before each retry of a failed job, which is dead after the last.
        timeout: The seconds that a job may take, with all its handlers.
        receiver: The import path under which workers find the receiver (``shop.hooks:hooks``). By
            default it is found by searching the imported modules.
        error_text: Whether RQ's records hold the text of a handler's exception, which may quote a
            payload, and not only its type.
    """

    def __init__(
        self,
        name: str = "florentin",
        *,
        retries: Sequence[int] = (5, 30, 120, 600, 1800),
        timeout: int = 60,
        receiver: str | None = None,
        error_text: bool = False,
    ) -> None:
        validate_queue_name(name)
        waits = _check_retries(retries)
        _validate_timeout(timeout)
        self.name = name
        self.retries = waits
        self.timeout = timeout
        self.receiver = receiver
        self.error_text = error_text
        self._templates: dict[tuple[str, str], _JobTemplate] = {}

    def job(self, receiver: str, fingerprint: str, queue: str, handlers: tuple[str, ...]) -> Job:
        """Return the job for *queue*'s part of a delivery, filled into what RQ built once."""
        template = self._templates.get((receiver, queue))
        if template is None:
            template = self._templates[receiver, queue] = self._build_template(receiver, queue)
        words, keys = template.fill(fingerprint, _format_now())
        job_id = self.job_id(fingerprint, queue)
        return new_tuple(Job, (job_id, queue, handlers, keys, template.queues, words, ""))

    def with_trace(self, job: Job, trace: str) -> Job:
        """Return *job* with *trace*, a JSON object, as RQ's ``meta``."""
        return job._replace(words=job.words + pack_texts(("meta", trace)))

    def measure(self, store: object, names: Sequence[str]) -> tuple[QueueFacts, ...]:
        """Return the facts of the queues *names* in the Redis of *store*.

        Raises :class:`Unavailable` without an answer in time.
        """
        return measure_all(cast("RedisStore", store), names)

    def job_id(self, fingerprint: str, queue: str) -> str:
        """Return the id of *queue*'s job; programs that share the server use other ids."""
        return f"{fingerprint}-{queue}"

    def build(self, receiver: str, fingerprint: str, queue: str) -> tuple[rq.Queue, rq.job.Job]:
        """Return RQ's queue and a job that RQ built through its public API; does no I/O."""
        # The client is never used: a queue needs one to be built.
        rq_queue = rq.Queue(queue, connection=redis.Redis(), serializer="json")
        create = cast("Any", rq_queue).create_job  # Any: RQ leaves its types open, here and below.
        job = create(
            PROCESS,
            args=(receiver, fingerprint, queue),
            timeout=self.timeout,
            result_ttl=0,
            failure_ttl=-1,
            description=f"florentin {fingerprint} (serializer json)",
            job_id=self.job_id(fingerprint, queue),
            retry=rq.Retry(max=len(self.retries), interval=list(self.retries)),
        )
        job.enqueued_at = now()
        return rq_queue, job

    def _build_template(self, receiver: str, queue: str) -> _JobTemplate:
        rq_queue, job = self.build(receiver, _NO_FINGERPRINT, queue)
        fields: dict[str, Any] = cast("Any", job).to_dict()
        # RQ also reads data that is not compressed.
        fields["data"] = json.dumps(json.loads(job.data), separators=(",", ":"))
        fields["created_at"] = fields["enqueued_at"] = _NO_TIME
        words: list[str] = []
        for name, value in fields.items():
            if value not in (None, ""):  # RQ reads a missing field as it reads an empty one.
                words += (name, str(getattr(value, "value", value)))
        # A dict of both would take thrice the time of a tuple.
        fixed = _VALUES.split(pack_texts(words).replace(b"%", b"%%"))
        order = [(_NO_FINGERPRINT.encode(), _NO_TIME.encode()).index(each) for each in fixed[1::2]]
        return _JobTemplate(
            b"%b".join(fixed[::2]),
            itemgetter(*order),
            _to_format(job.key),
            _to_format(cast("Any", Result).get_key(job.id)),
            (
                _to_text(rq_queue.key),
                _to_text(rq_queue.failed_job_registry.key),
                _to_text(rq_queue.intermediate_queue_key),
                _to_text(rq_queue.scheduled_job_registry.key),
            ),
            _to_text(rq_queue.redis_queues_keys),
        )


def _format_now() -> str:
    """Return the time as RQ's utcformat does, whose strftime takes 4 us, and isoformat 2."""
    second, fraction = divmod(time_ns() // 1000, 1_000_000)
    return f"{_format_second(second)}.{fraction:06d}Z"


@lru_cache(maxsize=2)
def _format_second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _to_format(key: str | bytes) -> str:
    """Return *key* with a place for the fingerprint."""
    return _to_text(key).replace("%", "%%").replace(_NO_FINGERPRINT, "%s")


def _to_text(key: str | bytes) -> str:
    return key.decode() if isinstance(key, bytes) else key


def _check_retries(retries: object) -> tuple[int, ...]:
    waits: tuple[object, ...] = (
        tuple(cast("Iterable[object]", retries)) if isinstance(retries, Iterable) else ()
    )
    if not waits or not all(map(_is_positive_int, waits)):
        raise ConfigurationError(
            f"retries is {waits or retries!r}.",
            "Pass at least one wait in whole seconds, each at least 1.",
        )
    return cast("tuple[int, ...]", waits)


def _validate_timeout(timeout: int) -> None:
    if not _is_positive_int(timeout):
        raise ConfigurationError(f"timeout is {timeout}.", "Pass whole seconds, at least 1.")


def _is_positive_int(seconds: object) -> bool:
    return isinstance(seconds, int) and seconds >= 1
