"""Encode the operations of the shared trail as script calls and decode their answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from florentin_webhooks.core.stores.retention import milliseconds
from florentin_webhooks.core.stores.trail import AppendTrail, ReadTrail, TrailItem
from florentin_webhooks.redis.schema import KeySchema, ScriptCall, Words, load_script

__all__ = ["append_trail", "read_trail"]

_APPEND = load_script("append_trail")
_READ = load_script("read_trail")
_LENGTH = 5000
_LIFETIME = milliseconds(timedelta(days=1))


def append_trail(schema: KeySchema, operation: AppendTrail) -> ScriptCall:
    """Encode :class:`AppendTrail`."""
    arguments: Words = (_LENGTH, _LIFETIME, *operation.entries)
    return ScriptCall(_APPEND, (schema.trail,), arguments, _to_nothing)


def read_trail(schema: KeySchema, operation: ReadTrail) -> ScriptCall:
    """Encode :class:`ReadTrail`."""
    arguments = (f"({operation.after}" if operation.after else "-", operation.limit)
    return ScriptCall(_READ, (schema.trail,), arguments, _to_items)


def _to_nothing(_: object) -> None:
    return None


def _to_items(answer: Sequence[tuple[bytes, Sequence[bytes]]]) -> tuple[TrailItem, ...]:
    return tuple(TrailItem(position.decode(), fields[1]) for position, fields in answer)
