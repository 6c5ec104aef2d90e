"""The calls that nearly every delivery needs, filled into what was encoded once.

A command to accept a delivery has thirty words, half of which are the same for all deliveries of an
event. To put all of them together and encode them took 11 us of the 75 in which one is queued; it
takes 5.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import time
from typing import TYPE_CHECKING, Any, NamedTuple

from florentin_webhooks.core.stores.accept import Accept, Finish
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.protocol.frozen import new_tuple
from florentin_webhooks.redis.codec.encode import encode
from florentin_webhooks.redis.codec.records import pack_arrival
from florentin_webhooks.redis.executors.calls import PackedCall
from florentin_webhooks.redis.executors.resp import encode_length, encode_word

if TYPE_CHECKING:
    from florentin_webhooks.core.stores.base import Operation
    from florentin_webhooks.protocol.fingerprint import RetryKey
    from florentin_webhooks.redis.schema import KeySchema, ScriptCall, Words

__all__ = ["PackedCalls"]

_MOST_TEMPLATES = 256

_ALL = -1
_DIGEST = 16
_TIME = 13
"""What differs in a word: all of it, or so many bytes at its end. Times have 13 until 2286."""

_PLACES = {None: b"", _TIME: b"%013d"}


class _Template(NamedTuple):
    """A command with places for what differs, and the call that it was encoded from."""

    command: bytes
    call: ScriptCall

    def fill(self, values: tuple[object, ...], schema: KeySchema, operation: Any) -> PackedCall:
        """Return the call of *operation*, whose words are *values*."""
        call, packed = self.call, self.command % values
        fields = (packed, schema, operation, call.script, call.read, call.may_fail)
        return new_tuple(PackedCall, fields)


class PackedCalls:
    """The encoder of calls for one *schema*."""

    def __init__(self, schema: KeySchema) -> None:
        self.schema = schema
        self._templates: dict[tuple[object, ...], _Template] = {}

    def encode(self, operation: Operation[Any]) -> ScriptCall | PackedCall:
        """Return the call of the script that executes *operation*."""
        if self.schema.replicas:  # What waits for them needs all of the call.
            return encode(self.schema, operation)
        if isinstance(operation, Accept):
            if (trace := operation.trace) and operation.fresh and operation.valid:
                return self._accept(operation, trace)
        elif isinstance(operation, Finish) and _ends_inline(operation):
            return self._finish(operation)
        return encode(self.schema, operation)

    def _accept(self, operation: Accept, trace: RetryKey) -> ScriptCall | PackedCall:
        jobs, token = operation.jobs, operation.token
        hashes = [operation.key, trace.delivery_id]
        for alias, its in operation.aliases:
            if its is None:  # Such a key has no digest.
                return encode(self.schema, operation)
            hashes += (alias, its.delivery_id)
        shape: tuple[object, ...] = (
            *(operation.inline, len(token), len(hashes)),
            *[(job.queue, job.handlers, job.owner, job.keys.list) for job in jobs],
        )
        template = self._templates.get(shape)
        if template is None:
            places = _places_of_accept(len(hashes), len(token), len(jobs))
            template = self._build(shape, encode(self.schema, operation), places)
        values = _words_of_accept(self.schema.tag, operation, trace, hashes)
        return template.fill(values, self.schema, operation)

    def _finish(self, operation: Finish) -> PackedCall:
        key, token = operation.key, operation.token
        shape = (operation.handler, operation.outcome, len(token))
        template = self._templates.get(shape)
        if template is None:
            places = {3: _DIGEST, 6: len(token), 7: _DIGEST, 8: _TIME}
            template = self._build(shape, encode(self.schema, operation), places)
        return template.fill((key, token, key, time() * 1000), self.schema, operation)

    def _build(
        self, shape: tuple[object, ...], call: ScriptCall, places: Mapping[int, int]
    ) -> _Template:
        if len(self._templates) >= _MOST_TEMPLATES:
            self._templates.clear()
        made = self._templates[shape] = _Template(_to_format(call.evalsha(), places), call)
        return made


def _ends_inline(finish: Finish) -> bool:
    """Return whether the last inline handler has succeeded, and has left no text of its own."""
    is_done = finish.part is None and finish.state is State.DONE
    return is_done and not finish.reason and not finish.note


def _to_format(words: Words, places: Mapping[int, int]) -> bytes:
    """Encode *words*, with places in the stead of what differs in them, by their number."""
    lines = [b"*%d" % len(words)]
    for number, word in enumerate(words):
        raw, size = encode_word(word), places.get(number)
        if size == _ALL:
            lines += (b"$%d", b"%b")
        else:
            fixed = raw[: len(raw) - (size or 0)].replace(b"%", b"%%")
            lines += (encode_length(raw), fixed + _PLACES.get(size, b"%b"))
    return b"\r\n".join([*lines, b""])


def _places_of_accept(hashes: int, token: int, jobs: int) -> dict[int, int]:
    """Return the places of :func:`_words_of_accept`: of keys, and after them of arguments."""
    keys = 3 + hashes
    first = keys + 2 + (4 * jobs + 1 if jobs else 0)
    places = dict.fromkeys(range(3, keys), _DIGEST)
    places |= dict.fromkeys(range(keys, keys + jobs), _ALL)
    others = {0: _DIGEST, 1: 2 * _DIGEST, 2: token, 4: _ALL, 5: _ALL, 6: _TIME}
    others |= {7: (hashes // 2 - 1) * _DIGEST, 8: _TIME}
    for job in range(jobs):
        others |= {10 + 4 * job: _ALL, 12 + 4 * job: _ALL}
    return places | {first + number: size for number, size in others.items()}


def _words_of_accept(
    tag: str, operation: Accept, trace: RetryKey, hashes: Sequence[bytes]
) -> tuple[object, ...]:
    """Return what differs between the calls of ``accept``: a length comes before all of a word."""
    delivery, key, jobs = operation.delivery, operation.key, operation.jobs
    body, received = delivery.body, int(delivery.received_at.timestamp() * 1000)
    arrival = pack_arrival(delivery, received)
    known = (
        *(key, trace.content + key, operation.token, len(body), body),
        *(len(arrival), arrival, received, b"".join(hashes[2::2]), time() * 1000),
    )
    if not jobs:
        return (*hashes, *known)
    keys = [f"{tag}{job.keys.hash}".encode() for job in jobs]
    words = [word for job in jobs for word in (job.id.encode(), job.words)]
    return (*hashes, *_sized(keys), *known, *_sized(words))


def _sized(words: Sequence[bytes]) -> list[object]:
    return [value for word in words for value in (len(word), word)]
