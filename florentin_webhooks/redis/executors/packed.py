"""The calls that nearly every delivery needs, filled into what was encoded once.

A command to accept a delivery has thirty words, half of which are the same for all deliveries of an
event. To put all of them together and encode them took 11 us of the 75 in which one is queued; it
takes 5.
"""

from __future__ import annotations

from collections.abc import Mapping
from time import time
from typing import TYPE_CHECKING, Any, NamedTuple

from florentin_webhooks.core.stores.accept import Accept, Finish
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.protocol.frozen import new_tuple
from florentin_webhooks.redis.codec.encode import encode
from florentin_webhooks.redis.codec.records import pack_names, to_milliseconds
from florentin_webhooks.redis.executors.calls import PackedCall
from florentin_webhooks.redis.executors.resp import encode_length, encode_word

if TYPE_CHECKING:
    from collections.abc import Callable

    from florentin_webhooks.core.queue import Job
    from florentin_webhooks.core.stores.base import Operation
    from florentin_webhooks.protocol.delivery import Delivery
    from florentin_webhooks.redis.schema import KeySchema, Script, ScriptCall, Words

__all__ = ["PackedCalls"]

_MOST_TEMPLATES = 256

_ANY = b"$%d\r\n%b"
"""The place of a word that differs in all, also in its length, which comes before it."""
_DIGEST = b"%b", 16
_TIME = b"%d", 13
"""The places of what ends a word, and how many bytes it has. Times have 13 from 2001 to 2286."""
_EARLIEST, _LATEST = 10**12, 10**13

_Place = bytes | tuple[bytes, int]
_Places = Mapping[int, _Place]
"""What differs between calls, by the number of the word: all of it, or what ends it."""


class _Template(NamedTuple):
    """A command with places for what differs, *size* bytes of one of them, and its call's parts."""

    command: bytes
    size: int
    script: Script
    read: Callable[[Any], object]  # Any: what a RESP parser returns.
    may_fail: bool


class PackedCalls:
    """The encoder of calls for one *schema*."""

    def __init__(self, schema: KeySchema) -> None:
        self.schema = schema
        # What waits for replicas needs all of the call.
        self._packs = not schema.replicas
        self._templates: dict[tuple[object, ...], _Template] = {}

    def encode(self, operation: Operation[Any]) -> ScriptCall | PackedCall:
        """Return the call of the script that executes *operation*."""
        if self._packs:
            if isinstance(operation, Accept):
                if operation.fresh and operation.valid and operation.content is not None:
                    return self._accept(operation)
            elif (
                isinstance(operation, Finish)
                and operation.state is State.DONE
                and operation.part is None
                and not (operation.reason or operation.note)
            ):  # The last inline handler has succeeded, and has left no text of its own.
                return self._finish(operation)
        return encode(self.schema, operation)

    def _accept(self, operation: Accept) -> ScriptCall | PackedCall:
        delivery, trace = operation.delivery, operation.trace
        delivery_id, received = delivery.delivery_id, to_milliseconds(delivery.received_at)
        key, token, jobs, now = operation.key, operation.token, operation.jobs, int(time() * 1000)
        if not (trace and delivery_id is not None and _EARLIEST <= received < _LATEST > now):
            return encode(self.schema, operation)
        event, secret, key_id, body = (
            delivery.event,
            delivery.secret,
            delivery.key_id,
            delivery.body,
        )
        aliases = operation.identity.alias_hashes(key_id, delivery.digest, delivery_id)
        shape: tuple[object, ...] = (
            *(event, secret, key_id, operation.inline, len(token), len(aliases)),
            *(
                [(job.queue, job.handlers, job.owner, job.keys.list) for job in jobs]
                if jobs
                else ()
            ),
        )
        template = self._templates.get(shape) or self._template_of_accept(shape, operation, aliases)
        command, size, script, read, may_fail = template
        sent, content = trace
        raw_id = delivery_id.encode()
        keys, words = _words_of(jobs, self.schema.tag) if jobs else ((), ())
        values = (
            *(key, sent, *aliases, *keys, key, content, key, token, len(body), body),
            *(size + len(raw_id), received, raw_id, received, *aliases[::2], now, *words),
        )
        packed = command % values
        fields = (packed, self.schema, operation, script, read, may_fail)
        return new_tuple(PackedCall, fields)

    def _finish(self, operation: Finish) -> ScriptCall | PackedCall:
        key, token, now = operation.key, operation.token, int(time() * 1000)
        if not _EARLIEST <= now < _LATEST:
            return encode(self.schema, operation)
        shape = (operation.handler, operation.outcome, len(token))
        template = self._templates.get(shape)
        if template is None:
            places = {3: _DIGEST, 6: (b"%b", len(token)), 7: _DIGEST, 8: _TIME}
            template = self._build(shape, operation, places)
        command, _, script, read, may_fail = template
        packed = command % (key, token, key, now)
        return new_tuple(PackedCall, (packed, self.schema, operation, script, read, may_fail))

    def _template_of_accept(
        self, shape: tuple[object, ...], operation: Accept, aliases: list[bytes]
    ) -> _Template:
        names, token = _names_of(operation.delivery), len(operation.token)
        places = _places_of_accept(2 + len(aliases), token, len(operation.jobs), names)
        return self._build(shape, operation, places, 13 + len(names))

    def _build(
        self, shape: tuple[object, ...], operation: Operation[Any], places: _Places, size: int = 0
    ) -> _Template:
        if len(self._templates) >= _MOST_TEMPLATES:
            self._templates.clear()
        call = encode(self.schema, operation)
        command = _to_format(call.evalsha(), places)
        made = _Template(command, size, call.script, call.read, call.may_fail)
        self._templates[shape] = made
        return made


def _to_format(words: Words, places: _Places) -> bytes:
    """Encode *words*, with *places* in the stead of what differs in them."""
    lines = [b"*%d" % len(words)]
    for number, word in enumerate(words):
        raw, place = encode_word(word), places.get(number, (b"", 0))
        if isinstance(place, bytes):
            lines.append(place)
        else:
            written, size = place
            fixed = raw[: len(raw) - size].replace(b"%", b"%%")
            lines += (encode_length(raw), fixed + written)
    return b"\r\n".join([*lines, b""])


def _places_of_accept(hashes: int, token: int, jobs: int, names: bytes) -> _Places:
    """Return the places of the values of ``accept``: of keys, and after them of arguments."""
    keys = 3 + hashes
    first = keys + 2 + (4 * jobs + 1 if jobs else 0)
    places: dict[int, _Place] = dict.fromkeys(range(3, keys), _DIGEST)
    places |= dict.fromkeys(range(keys, keys + jobs), _ANY)
    arrival = b"$%d\r\n%d" + names.replace(b"%", b"%%") + b"%b"
    others: dict[int, _Place] = {
        0: _DIGEST,
        1: (b"%b%b", 32),
        2: (b"%b", token),
        4: _ANY,
        5: arrival,
        6: _TIME,
    }
    aliases = hashes // 2 - 1
    others |= {7: (b"%b" * aliases, 16 * aliases), 8: _TIME}
    for job in range(jobs):
        others |= {10 + 4 * job: _ANY, 12 + 4 * job: _ANY}
    return places | {first + number: place for number, place in others.items()}


def _names_of(delivery: Delivery) -> bytes:
    return pack_names(delivery.event, delivery.secret, delivery.key_id)


def _words_of(jobs: tuple[Job, ...], tag: str) -> tuple[list[object], list[object]]:
    """Return what differs in the keys and in the arguments of *jobs*, each after its length."""
    keys, words = list[object](), list[object]()
    for job in jobs:
        key, job_id = (tag + job.keys.hash).encode(), job.id.encode()
        keys += (len(key), key)
        words += (len(job_id), job_id, len(job.words), job.words)
    return keys, words
