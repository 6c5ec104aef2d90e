"""The calls that nearly every delivery needs, filled into what was encoded once.

A command to accept a delivery has thirty words, half of which are the same for all deliveries of an
event. To put all of them together and encode them took 11 us of the 75 in which one is queued; it
takes 4.
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
    from florentin_webhooks.redis.schema import KeySchema, Script, ScriptCall, Words

__all__ = ["PackedCalls"]

_MOST_TEMPLATES = 256

_ANY = b"$%d\r\n%b"
"""The place of a word that differs in all, also in its length, which comes before it."""
_ARRIVAL = b"$%d\r\n%d%b%b"
"""That of :func:`pack_arrival`."""
_DIGEST = b"%b", 16
_TIME = b"%d", 13
"""The places of what ends a word, and how many bytes it has."""
_EARLIEST, _LATEST = 10**12, 10**13
"""From 2001 to 2286, times have 13 digits; to fill them with zeros would take 0.1 us more each."""

_Values = tuple[object, ...]
_Place = bytes | tuple[bytes, int]
_Places = Mapping[int, _Place]
"""What differs between calls, by the number of the word: all of it, or what ends it."""


class _Template(NamedTuple):
    """A command with places for what differs, and what a call needs beside it."""

    command: bytes
    script: Script
    read: Callable[[Any], object]  # Any: what a RESP parser returns.
    may_fail: bool


class PackedCalls:
    """The encoder of calls for one *schema*."""

    def __init__(self, schema: KeySchema) -> None:
        self.schema = schema
        # What waits for replicas needs all of the call.
        self._packs = not schema.replicas
        self._templates: dict[_Values, _Template] = {}

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
        delivery, trace, key = operation.delivery, operation.trace, operation.key
        delivery_id, received = delivery.delivery_id, to_milliseconds(delivery.received_at)
        now = int(time() * 1000)
        is_usual = _EARLIEST <= received < _LATEST and _EARLIEST <= now < _LATEST
        if trace is None or delivery_id is None or not is_usual:
            return encode(self.schema, operation)
        key_id, token, body, jobs = delivery.key_id, operation.token, delivery.body, operation.jobs
        aliases = operation.identity.alias_hashes(key_id, delivery.digest, delivery_id)
        shape: _Values = operation.inline, len(token), len(aliases)
        keys: _Values = ()
        words: _Values = ()
        if jobs:
            kinds, keys, words = _words_of(jobs, self.schema.tag)
            shape += kinds
        template = self._templates.get(shape)
        if template is None:
            places = _places_of_accept(2 + len(aliases), len(token), len(jobs))
            template = self._build(shape, operation, places)
        command, script, read, may_fail = template
        sent, content = trace
        names, raw_id = pack_names(delivery.event, delivery.secret, key_id), delivery_id.encode()
        size = 13 + len(names) + len(raw_id)
        packed = command % (
            *(key, sent, *aliases, *keys, key, content, key, token, len(body), body),
            *(size, received, names, raw_id, received, *aliases[::2], now, *words),
        )
        return new_tuple(PackedCall, (packed, self.schema, operation, script, read, may_fail))

    def _finish(self, operation: Finish) -> ScriptCall | PackedCall:
        key, token, now = operation.key, operation.token, int(time() * 1000)
        if not _EARLIEST <= now < _LATEST:
            return encode(self.schema, operation)
        shape = (operation.handler, operation.outcome, len(token))
        template = self._templates.get(shape)
        if template is None:
            places = {3: _DIGEST, 6: (b"%b", len(token)), 7: _DIGEST, 8: _TIME}
            template = self._build(shape, operation, places)
        command, script, read, may_fail = template
        packed = command % (key, token, key, now)
        return new_tuple(PackedCall, (packed, self.schema, operation, script, read, may_fail))

    def _build(self, shape: _Values, operation: Operation[Any], places: _Places) -> _Template:
        if len(self._templates) >= _MOST_TEMPLATES:
            self._templates.clear()
        call = encode(self.schema, operation)
        command = _to_format(call.evalsha(), places)
        made = _Template(command, call.script, call.read, call.may_fail)
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


def _places_of_accept(hashes: int, token: int, jobs: int) -> _Places:
    """Return the places of the values of ``accept``: of keys, and after them of arguments."""
    keys = 3 + hashes
    first = keys + 2 + (4 * jobs + 1 if jobs else 0)
    places: dict[int, _Place] = dict.fromkeys(range(3, keys), _DIGEST)
    places |= dict.fromkeys(range(keys, keys + jobs), _ANY)
    others: dict[int, _Place] = {
        0: _DIGEST,
        1: (b"%b%b", 32),
        2: (b"%b", token),
        4: _ANY,
        5: _ARRIVAL,
        6: _TIME,
    }
    aliases = hashes // 2 - 1
    others |= {7: (b"%b" * aliases, 16 * aliases), 8: _TIME}
    for job in range(jobs):
        others |= {10 + 4 * job: _ANY, 12 + 4 * job: _ANY}
    return places | {first + number: place for number, place in others.items()}


def _words_of(jobs: tuple[Job, ...], tag: str) -> tuple[_Values, _Values, _Values]:
    """Return what templates differ in for *jobs*, and the values of their keys and arguments.

    There is a length before each value.
    """
    kinds: _Values = ()
    keys = words = kinds
    for job in jobs:
        text, queue, handlers, names, _, packed, owner = job  # An attribute takes thrice the time.
        name, _, listed, _, _, _ = names
        key, job_id = (tag + name).encode(), text.encode()
        kinds += (queue, handlers, owner, listed)
        keys += (len(key), key)
        words += (len(job_id), job_id, len(packed), packed)
    return kinds, keys, words
