"""Which lane an operation belongs to, and one answer from those of all lanes.

The lane of a delivery follows from what its retries have in common: its content without the time.
Retries with a new timestamp, or signed with another secret, therefore meet their first attempt, and
so does a captured delivery that is sent again under another delivery id, which may be unsigned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from itertools import chain
from typing import TYPE_CHECKING, Any

from florentin_webhooks.core.search.pages import merge_pages
from florentin_webhooks.core.stores.guards import Latest
from florentin_webhooks.core.stores.jobs import CountLostJobs, IndexStates, JobPage, ListPendingJobs
from florentin_webhooks.core.stores.queries import (
    DeadLetter,
    FindDeliveryId,
    FindFingerprints,
    GetRecord,
    ListDeadLetters,
    ListRecords,
    Record,
    RecordPage,
)
from florentin_webhooks.core.stores.trail import AppendTrail, ReadTrail
from florentin_webhooks.redis.codec.pages import letters_in_page

if TYPE_CHECKING:
    from datetime import datetime

    from florentin_webhooks.core.stores.accept import Accept
    from florentin_webhooks.core.stores.base import Operation

__all__ = ["MERGES", "find_digest", "fixed_digest"]


def find_digest(accept: Accept) -> bytes | None:
    """Return what identifies the lane of a delivery, None for one that was restored."""
    content, trace, delivery = accept.content, accept.trace, accept.delivery
    if content == b"" and delivery.delivery_id is not None:
        return sha256(delivery.delivery_id.encode()).digest()  # Signed: it alone identifies.
    if trace is not None:
        return trace.content
    return sha256(content).digest()[:16] if content else delivery.digest or None


def fixed_digest(operation: Operation[Any]) -> bytes | None:
    """Return what identifies the lane of an operation that is about no delivery, or None."""
    if isinstance(operation, Latest):
        return operation.group or operation.entity
    return bytes(16) if isinstance(operation, AppendTrail | ReadTrail) else None


def _first(_: GetRecord, answers: Iterable[Record | None]) -> Record | None:
    return next((answer for answer in answers if answer is not None), None)


def _newest(operation: ListRecords, answers: Iterable[RecordPage]) -> RecordPage:
    return merge_pages([*answers], operation.limit)


def _oldest(
    operation: ListDeadLetters, answers: Iterable[Sequence[DeadLetter]]
) -> tuple[DeadLetter, ...]:
    """Return one page, which ends where a full one of a lane does: that lane may have more."""
    pages, most = [*answers], letters_in_page(operation)
    ends = [_death(page[-1]) for page in pages if len(page) == most]
    known = (each for each in chain(*pages) if not ends or _death(each) <= min(ends))
    return tuple(sorted(known, key=_death)[: operation.limit])


def _pending(_: ListPendingJobs, answers: Iterable[JobPage]) -> JobPage:
    """Return one page, which ends where that of one lane does: others may have more before that."""
    pages = [*answers]
    following = min((each.following for each in pages if each.following), default=None)
    jobs = sorted(chain(*(each.jobs for each in pages)))
    known = (job for job in jobs if following is None or job <= following)
    return JobPage(tuple(known), following)


def _some(operation: FindFingerprints, answers: Iterable[Sequence[str]]) -> tuple[str, ...]:
    return tuple(sorted(chain(*answers))[: operation.limit])


def _all(_: object, answers: Iterable[Sequence[str]]) -> tuple[str, ...]:
    return tuple(chain(*answers))


def _sum(_: object, answers: Iterable[int]) -> int:
    return sum(answers)


def _death(letter: DeadLetter) -> tuple[datetime, str]:
    return letter.died_at, letter.job_id


MERGES: Mapping[
    type, Callable[[Any, Iterable[Any]], Any]
] = {  # Any: of that type, and its answers.
    GetRecord: _first,
    ListRecords: _newest,
    ListDeadLetters: _oldest,
    FindFingerprints: _some,
    FindDeliveryId: _all,
    ListPendingJobs: _pending,
    CountLostJobs: _sum,
    IndexStates: lambda _, answers: all(answers),
}
"""How the answers of all lanes become one, by the type of the operation."""
