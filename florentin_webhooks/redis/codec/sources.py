"""Encode the search for the few deliveries that may have a state, without a look at all others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from heapq import merge
from typing import TYPE_CHECKING, Any, NamedTuple

from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.queries import Status
from florentin_webhooks.redis.codec.state_index import catch_up, index_of, split
from florentin_webhooks.redis.schema import RQ_PREFIX, KeySchema, ScriptCall, Words, load_script

if TYPE_CHECKING:
    from florentin_webhooks.core.stores.queries import ListRecords
    from florentin_webhooks.redis.codec.steps import Steps

__all__ = ["Bounds", "Found", "Place", "Sources", "choose_sources", "find_places"]

_MOST_PLACES = 300
"""The most deliveries of an index that one call returns."""
_MOST_GATHERED = 3000
"""The most jobs or finished deliveries whose arrivals one call looks up."""
_SECONDS = 0.25
"""How long a list waits for the index of states; after that it reads the log."""
_QUEUES, _QUEUE, _STARTED = (f"{RQ_PREFIX}{name}" for name in ("queues", "queue:", "wip:"))
"""The keys of RQ: the set of the keys of its queues, and what those and its started jobs have."""

_FIND_ARRIVALS = load_script("find_arrivals")
_LIST_DONE = load_script("list_done")
_LIST_JOBS = load_script("list_jobs")
_LIST_QUEUES = load_script("list_queues")
_LIST_STATES = load_script("list_states", helpers="pages")


class Place(NamedTuple):
    """Where a delivery is in the list: its arrival in milliseconds, and its fingerprint."""

    arrival: int
    key: bytes


class Bounds(NamedTuple):
    """The arrivals of a page, in milliseconds, and the last delivery of the page before."""

    latest: str | int
    earliest: str | int
    last: bytes

    def includes(self, place: Place) -> bool:
        """Return whether *place* is on the page or on a later one."""
        if isinstance(self.earliest, int) and place.arrival < self.earliest:
            return False
        if isinstance(self.latest, str) or place.arrival < self.latest:
            return True
        return place.arrival == self.latest and (not self.last or place.key < self.last)


class Found(NamedTuple):
    """The places of deliveries, the newest first, and whether there are more."""

    places: Sequence[Place]
    has_more: bool


class Sources(NamedTuple):
    """Where all deliveries are that may have a state: *indexes*, and *jobs* or what is *done*.

    *started*: jobs that a worker has are enough.
    """

    indexes: tuple[str, ...] = ()
    jobs: bool = False
    started: bool = False
    done: bool = False


_OF_STATUS: Mapping[Status | None, Sources] = {
    Status.RUNNING: Sources(("failed",), jobs=True, started=True),
    Status.SCHEDULED: Sources(("scheduled", "failed")),
}
_OF_STATES: Mapping[tuple[State, ...], Sources] = {
    (State.QUEUED,): Sources(jobs=True),
    (State.DONE,): Sources(done=True),
}


def choose_sources(operation: ListRecords) -> Sources | None:
    """Return where to look for what *operation* lists, None for the log."""
    if operation.status in _OF_STATUS and not operation.states:
        return _OF_STATUS[operation.status]
    states = operation.wanted_states
    if states in _OF_STATES:
        return _OF_STATES[states]
    indexes = {index_of(state) for state in states}
    return None if not indexes or None in indexes else Sources(tuple(filter(None, indexes)))


def find_places(schema: KeySchema, sources: Sources, bounds: Bounds) -> Steps[Found | None]:
    """Return some places in *bounds*, None where only the log can be read."""
    found: list[Found] = []
    if sources.indexes:
        latest = bounds.latest if isinstance(bounds.latest, int) else None
        if not (yield from catch_up(schema, _SECONDS, latest)):
            return None
        found += yield _list_states(schema, sources.indexes, bounds)
    if sources.jobs or sources.done:
        keys = yield from _list_done(schema) if sources.done else _list_jobs(schema, sources)
        if keys is None:
            return None
        places: list[Place] = []
        if keys:
            places = yield _find_arrivals(schema, keys)
        found.append(Found([each for each in places if bounds.includes(each)], has_more=False))
    return _merge(found)


def _merge(found: Sequence[Found]) -> Found:
    """Return one list, which ends where one that has more does."""
    ends = [each.places[-1] for each in found if each.has_more]
    newest = merge(*(each.places for each in found), reverse=True)
    places = [place for place in dict.fromkeys(newest) if not ends or place >= max(ends)]
    return Found(places[:_MOST_PLACES], bool(ends) or len(places) > _MOST_PLACES)


def _list_states(schema: KeySchema, indexes: Sequence[str], bounds: Bounds) -> ScriptCall:
    keys = tuple(map(schema.index, indexes))
    return ScriptCall(_LIST_STATES, keys, (*bounds, _MOST_PLACES), _to_found)


def _to_found(answer: Sequence[Any]) -> list[Found]:  # Any: what a RESP parser returns.
    words = zip(answer[::3], answer[1::3], answer[2::3], strict=True)
    return [
        Found(_places(split(joined), arrivals), bool(has_more))
        for joined, arrivals, has_more in words
    ]


def _places(keys: Sequence[bytes], arrivals: bytes) -> list[Place]:
    return [Place(int(each), key) for each, key in zip(arrivals.split(), keys, strict=True)]


def _list_jobs(schema: KeySchema, sources: Sources) -> Steps[list[bytes] | None]:
    """Return the fingerprints of jobs, None where they are too many."""
    queues = yield ScriptCall(_LIST_QUEUES, (schema.tag + _QUEUES,), (), sorted)
    # In a lane our scripts add the whole key, and RQ the one without the tag.
    known = (each.decode().removeprefix(schema.tag) for each in queues)
    names = dict.fromkeys(each.removeprefix(_QUEUE) for each in known)
    keys: list[bytes | str | int] = []
    for name in names:
        keys += (schema.pending(name), f"{schema.tag}{_STARTED}{name}")
    if not keys:
        return []
    arguments: Words = (_MOST_GATHERED, int(sources.started))
    is_whole, joined = yield ScriptCall(_LIST_JOBS, tuple(keys), arguments, tuple)
    return list(dict.fromkeys(split(bytes.fromhex(joined.decode())))) if is_whole else None


def _list_done(schema: KeySchema) -> Steps[list[bytes] | None]:
    """Return the finished deliveries that keep their fields, None where they are too many."""
    is_whole, joined = yield ScriptCall(_LIST_DONE, (schema.done,), (_MOST_GATHERED,), tuple)
    return list(dict.fromkeys(split(joined))) if is_whole else None


def _find_arrivals(schema: KeySchema, keys: Sequence[bytes]) -> ScriptCall:
    def read(answer: bytes) -> list[Place]:
        known = (place for place in _places(keys, answer) if place.arrival >= 0)
        return sorted(known, reverse=True)

    return ScriptCall(_FIND_ARRIVALS, (schema.log,), (b"".join(keys),), read)
