"""The steps of one batch as bytes for the socket, filled into what was encoded once.

Encoding a step's forty words takes longer than most handlers: a fifth of a worker's CPU.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from florentin_webhooks.redis.executors.resp import encode_command

if TYPE_CHECKING:
    from florentin_webhooks.core.stores.accept import Finish
    from florentin_webhooks.rq.batch.calls import Advance, BatchCalls

__all__ = ["PackedSteps"]

# Fingerprints that no delivery has, which are as long as any.
_FINISHED, _BEGINS, _LEASES = (f"{number:032x}".encode() for number in (1, 2, 3))


class _Shape(NamedTuple):
    """What steps have in common that differ in their fingerprints only."""

    handler: str | None
    ending: str | None
    begins: bool
    leases: bool


class PackedSteps:
    """An encoder of the steps of one batch."""

    def __init__(self, calls: BatchCalls) -> None:
        self._calls = calls
        self._templates: dict[_Shape, bytes] = {}

    def pack(self, step: Advance) -> bytes:
        """Return the command of *step*."""
        finish, begins, leases = step.finish, step.begins, step.leases
        if finish is not None and finish.note:  # A text of its own.
            return encode_command(self._calls.advance(step).evalsha())
        shape = _Shape(
            None if finish is None else finish.handler,
            None if finish is None else finish.ending,
            bool(begins),
            bool(leases),
        )
        packed = self._templates.get(shape) or self._build(shape, step)
        if finish is not None:
            packed = _fill(packed, _FINISHED, finish.key.hex().encode())
        if begins:
            packed = _fill(packed, _BEGINS, begins)
        return _fill(packed, _LEASES, leases) if leases else packed

    def _build(self, shape: _Shape, step: Advance) -> bytes:
        template = step._replace(
            finish=_with_fingerprint(step.finish),
            begins=step.begins and _BEGINS + step.begins[32:],
            leases=step.leases and _LEASES + step.leases[32:],
        )
        packed = encode_command(self._calls.advance(template).evalsha())
        self._templates[shape] = packed
        return packed


def _with_fingerprint(finish: Finish | None) -> Finish | None:
    if finish is None or finish.part is None:
        return finish
    part = finish.part._replace(id=_FINISHED.decode() + finish.part.id[32:])
    return replace(finish, key=_raw(_FINISHED), part=part)


def _fill(packed: bytes, number: bytes, job_id: bytes) -> bytes:
    fingerprint = job_id[:32]
    return packed.replace(number, fingerprint).replace(_raw(number), _raw(fingerprint))


def _raw(fingerprint: bytes) -> bytes:
    return bytes.fromhex(fingerprint.decode())
