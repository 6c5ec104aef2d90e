"""The steps of one batch as bytes for the socket, filled into what was encoded once.

Encoding a step's forty words takes longer than most handlers: a fifth of a worker's CPU.
"""

from __future__ import annotations

import re
from dataclasses import replace
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from florentin_webhooks.protocol.frozen import new_tuple
from florentin_webhooks.redis.executors.resp import encode_command
from florentin_webhooks.rq.batch.calls import CHUNK

if TYPE_CHECKING:
    from florentin_webhooks.core.stores.accept import Finish
    from florentin_webhooks.rq.batch.calls import Advance, BatchCalls

__all__ = ["PackedSteps"]

# Fingerprints that no delivery has, which are as long as any: of the job that has finished, of the
# one that begins, and of those that are kept.
_FINISHED, _BEGINS, *_KEEPS = (f"{number:032x}".encode() for number in range(1, CHUNK + 3))


class _Shape(NamedTuple):
    """What steps have in common that differ in their fingerprints only."""

    handler: str | None
    ending: str | None
    begins: bool
    keeps: int


class _Template:
    """An encoded step in pieces, between which fingerprints are filled in."""

    def __init__(self, packed: bytes, fingerprints: list[bytes]) -> None:
        words = _words_of(fingerprints)
        pattern = b"|".join(map(re.escape, words))
        self._pieces: list[Any] = re.split(b"(" + pattern + b")", packed)
        self._pick = itemgetter(*(words.index(each) for each in self._pieces[1::2]))

    def fill(self, fingerprints: list[bytes]) -> bytes:
        """Return the command with *fingerprints* in place of those of the template."""
        pieces = self._pieces.copy()
        pieces[1::2] = self._pick(_words_of(fingerprints))
        return b"".join(pieces)


class PackedSteps:
    """An encoder of the steps of one batch."""

    def __init__(self, calls: BatchCalls) -> None:
        self._calls = calls
        self._templates: dict[_Shape, _Template | None] = {}

    def pack(self, step: Advance) -> bytes:
        """Return the command of *step*."""
        finish, begins, keeps = step.finish, step.begins, step.keeps
        if finish is not None and finish.note:  # A text of its own.
            return encode_command(self._calls.advance(step).evalsha())
        shape = _shape_of(finish, bool(begins), len(keeps))
        if shape not in self._templates:  # It may be the only one: a template takes far longer.
            self._templates[shape] = None
            return encode_command(self._calls.advance(step).evalsha())
        template = self._templates[shape] or self._build(shape, step)
        fingerprints = [] if finish is None else [finish.key.hex().encode()]
        if begins:
            fingerprints.append(begins[:32])
        return template.fill([*fingerprints, *(each[:32] for each in keeps)])

    def _build(self, shape: _Shape, step: Advance) -> _Template:
        keeps = _KEEPS[: shape.keeps]
        example = step._replace(
            finish=_with_fingerprint(step.finish),
            begins=step.begins and _BEGINS + step.begins[32:],
            keeps=tuple(new + old[32:] for new, old in zip(keeps, step.keeps, strict=True)),
        )
        used = [] if shape.handler is None and shape.ending is None else [_FINISHED]
        used += [_BEGINS] if shape.begins else []
        packed = encode_command(self._calls.advance(example).evalsha())
        template = self._templates[shape] = _Template(packed, [*used, *keeps])
        return template


def _shape_of(finish: Finish | None, begins: bool, keeps: int) -> _Shape:
    done = (None, None) if finish is None else (finish.handler, finish.ending)
    return new_tuple(_Shape, (*done, begins, keeps))


def _with_fingerprint(finish: Finish | None) -> Finish | None:
    if finish is None or finish.part is None:
        return finish
    part = finish.part._replace(id=_FINISHED.decode() + finish.part.id[32:])
    return replace(finish, key=_raw(_FINISHED), part=part)


def _words_of(fingerprints: list[bytes]) -> list[bytes]:
    """Return each of *fingerprints*, in hex and as the bytes that it stands for."""
    return [*fingerprints, *map(_raw, fingerprints)]


def _raw(fingerprint: bytes) -> bytes:
    return bytes.fromhex(fingerprint.decode())
