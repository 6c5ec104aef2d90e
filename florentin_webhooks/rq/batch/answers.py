"""The answers to the script calls of batches, as values."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

from florentin_webhooks.core.stores.jobs import JobClaim, JobDecision
from florentin_webhooks.protocol.frozen import new_tuple
from florentin_webhooks.redis.codec.records import unpack_arrival
from florentin_webhooks.rq.trace import read_trace

__all__ = ["ClaimAnswer", "ClaimedJob", "StepAnswer", "read_claim", "read_step"]

_FIELDS = 6
_NO_NAMES: frozenset[str] = frozenset()
_SHORT = 16
"""The most bytes of an answer that names no fingerprints: there are ten of these."""


class ClaimedJob(NamedTuple):
    """A job of a batch, with what its handlers need; *trace* is what it carries for a tracer."""

    id: bytes
    retries_left: int
    claim: JobClaim
    trace: str = ""

    @property
    def fingerprint(self) -> str:
        """The delivery's fingerprint, in hex."""
        return self.id[:32].decode()


class ClaimAnswer(NamedTuple):
    """The claimed *jobs*, and the next *candidates*.

    *expired* are entries of other batches to be returned; *wait* is the seconds until the next of
    them is, None without any.
    """

    jobs: tuple[ClaimedJob, ...]
    candidates: tuple[bytes, ...]
    expired: tuple[bytes, ...]
    wait: float | None


class StepAnswer(NamedTuple):
    """The *state* of the finished job's record, and how many jobs the step *kept*.

    *excess* are the fingerprints beyond the history.
    """

    state: str
    kept: int
    excess: bytes


def read_claim(answer: Sequence[Any]) -> ClaimAnswer:  # Any: what a RESP parser returns.
    """Return the decoded answer to a claim."""
    lengths, fields, candidates, expired, wait = answer
    jobs, ids, entries = _to_jobs(lengths, fields), candidates.split(), expired.split()
    return ClaimAnswer(tuple(jobs), tuple(ids), tuple(entries), None if wait < 0 else wait / 1000)


def _to_jobs(lengths: bytes, fields: bytes) -> Iterator[ClaimedJob]:
    ends = [0, *accumulate(map(int, lengths.split()))]
    words = [fields[start:end] for start, end in pairwise(ends)]
    return map(_to_job, *(words[at::_FIELDS] for at in range(_FIELDS)))


def _to_job(id_: bytes, retries_left: bytes, body: bytes, *others: bytes) -> ClaimedJob:
    packed, handlers, trace = others
    received_at, event, secret, key_id, delivery_id = unpack_arrival(packed)
    # As JobClaim(...), in a third of its time.
    fields = (
        *(JobDecision.RUN, 0, 1, body, delivery_id, received_at, secret),
        *(_decode_names(handlers), _NO_NAMES, key_id, "", event),
    )
    text = read_trace(trace) if trace else ""
    return new_tuple(ClaimedJob, (id_, int(retries_left), new_tuple(JobClaim, fields), text))


@lru_cache(maxsize=256)
def _decode_names(handlers: bytes) -> tuple[str, ...]:
    return tuple(json.loads(handlers))


@lru_cache(maxsize=16)
def _read_short(answer: bytes) -> StepAnswer:
    state, _, rest = answer.partition(b" ")
    return StepAnswer(state.decode(), int(rest[:1]), rest[1:])


def read_step(answer: bytes) -> StepAnswer:
    """Return the decoded answer to :class:`Advance`."""
    if len(answer) <= _SHORT:  # Nearly all are among ten.
        return _read_short(answer)
    return _read_short.__wrapped__(answer)
