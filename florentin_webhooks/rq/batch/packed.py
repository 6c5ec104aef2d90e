"""The steps of batches as bytes for the socket, filled into what was encoded once.

Encoding a step's forty words takes longer than most handlers: a fifth of a worker's CPU.
"""

from __future__ import annotations

import re
from binascii import hexlify, unhexlify
from dataclasses import replace
from operator import itemgetter
from time import time
from typing import TYPE_CHECKING, Any, NamedTuple

from florentin_webhooks.protocol.frozen import new_tuple
from florentin_webhooks.redis.executors.resp import encode_command
from florentin_webhooks.rq.batch.calls import CHUNK, Advance

if TYPE_CHECKING:
    from florentin_webhooks.core.stores.accept import Finish
    from florentin_webhooks.rq.batch.calls import BatchCalls

__all__ = ["PackedSteps", "StepTemplates"]

# Fingerprints that no delivery has, which are as long as any: of the job that has finished, of the
# one that begins, and of those that are kept.
_FINISHED, _BEGINS, *_KEEPS = (f"{number:032x}".encode() for number in range(1, CHUNK + 3))
# The same for what differs between batches: the token, the execution, and the end of RQ's entries.
_TOKEN, _EXECUTION, _ENDS = b"\xfftoken\xff\xff", b"\xffexecution".ljust(32), b"\xffthe end\xff\xff"
_ENDS_PLACE = 4
"""The place of the end among the arguments."""


class _Shape(NamedTuple):
    """What steps have in common that differ in their fingerprints and their batch only."""

    handler: str | None
    outcome: str | None
    begins: bool
    keeps: int


class _Template(NamedTuple):
    """The *format* of a command, and the place of what it needs among a step's fingerprints.

    *picks* picks these from the words of :func:`_words_of`.
    """

    format: bytes
    picks: Any

    @classmethod
    def of(cls, packed: bytes, fingerprints: list[bytes]) -> _Template:
        """Return the template of a *packed* command with *fingerprints*."""
        words = _words_of(fingerprints)
        pattern = b"|".join(map(re.escape, words))
        pieces = re.split(b"(" + pattern + b")", packed)
        text = b"%b".join(each.replace(b"%", b"%%") for each in pieces[::2])
        return cls(text, itemgetter(*(words.index(each) for each in pieces[1::2])))

    def bind(self, token: bytes, execution: bytes, ends: bytes) -> _Template:
        """Return the template of the steps of one batch."""
        text = self.format.replace(_TOKEN, token.replace(b"%", b"%%"))
        return self._replace(format=text.replace(_EXECUTION, execution).replace(_ENDS, ends))


class StepTemplates:
    """The templates of the steps of *calls*."""

    def __init__(self, calls: BatchCalls) -> None:
        self.calls = calls
        self._known: dict[_Shape, _Template | None] = {}
        # The first step of every batch: a work-horse finds it made.
        begins = b"-".join((_BEGINS, calls.terms.queue.encode()))
        first = Advance(_TOKEN, _EXECUTION, 0, begins=begins)
        shape = _shape_of(None, begins=True, keeps=0)
        self._known[shape] = self._build(shape, first)

    def find(self, shape: _Shape, step: Advance) -> _Template | None:
        """Return the template of a step; None for the first, which may be the only one."""
        if shape not in self._known:  # To make one takes far longer than to encode a step.
            self._known[shape] = None
            return None
        found = self._known[shape]
        if found is None:
            found = self._known[shape] = self._build(shape, step)
        return found

    def _build(self, shape: _Shape, step: Advance) -> _Template:
        keeps = _KEEPS[: shape.keeps]
        example = step._replace(
            token=_TOKEN,
            execution=_EXECUTION,
            finish=_with_fingerprint(step.finish),
            begins=step.begins and _BEGINS + step.begins[32:],
            keeps=tuple(new + old[32:] for new, old in zip(keeps, step.keeps, strict=True)),
        )
        used = [] if shape.outcome is None else [_FINISHED]
        used += [_BEGINS] if shape.begins else []
        call = self.calls.advance(example)
        arguments = (*call.arguments[:_ENDS_PLACE], _ENDS, *call.arguments[_ENDS_PLACE + 1 :])
        packed = encode_command(call._replace(arguments=arguments).evalsha())
        return _Template.of(packed, [*used, *keeps])


class PackedSteps:
    """An encoder of the steps of one batch, whose RQ entries live *ttl* seconds from now on."""

    def __init__(self, templates: StepTemplates, token: bytes, execution: bytes, ttl: int) -> None:
        self._all, self._batch = templates, (token, execution, b"%d" % (time() + ttl))
        self._templates: dict[_Shape, _Template] = {}

    def pack(self, step: Advance) -> bytes:
        """Return the command of *step*."""
        finish, begins, keeps = step.finish, step.begins, step.keeps
        if finish is not None and finish.note:  # A text of its own.
            return encode_command(self._all.calls.advance(step).evalsha())
        shape = _shape_of(finish, begins=bool(begins), keeps=len(keeps))
        template = self._templates.get(shape)
        if template is None:
            found = self._all.find(shape, step)
            if found is None:
                return encode_command(self._all.calls.advance(step).evalsha())
            template = self._templates[shape] = found.bind(*self._batch)
        fingerprints = [] if finish is None else [hexlify(finish.key)]
        if begins:
            fingerprints.append(begins[:32])
        text, picks = template
        packed: bytes = text % picks(_words_of([*fingerprints, *[each[:32] for each in keeps]]))
        return packed


def _shape_of(finish: Finish | None, *, begins: bool, keeps: int) -> _Shape:
    done = (None, None) if finish is None else (finish.handler, finish.outcome)
    return new_tuple(_Shape, (*done, begins, keeps))


def _with_fingerprint(finish: Finish | None) -> Finish | None:
    if finish is None or finish.part is None:
        return finish
    part = finish.part._replace(id=_FINISHED.decode() + finish.part.id[32:])
    return replace(finish, key=unhexlify(_FINISHED), part=part)


def _words_of(fingerprints: list[bytes]) -> list[bytes]:
    """Return each of *fingerprints*, in hex and as bytes."""
    return [*fingerprints, *map(unhexlify, fingerprints)]
