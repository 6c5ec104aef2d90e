"""Describe what workers and handlers ask as calls of scripts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from florentin_webhooks.stores._layout import Call, Layout, job_keys, job_words, script
from florentin_webhooks.stores.working import (
    Begin,
    Latest,
    Once,
    Permission,
    Permit,
    Sweep,
    Waiting,
    Work,
    WorkVerdict,
)

__all__ = ["begin", "latest", "once", "sweep", "waiting"]

_CANDIDATES = 10_000
"""How many waiting jobs are looked at in one go."""

_BEGIN = script("begin")
_SWEEP = script("sweep")
_WAITING = script("waiting")
_ONCE = script("once")
_LATEST = script("latest")


def begin(layout: Layout, operation: Begin) -> Call:
    """Give the call that takes the lease of one queue's part."""
    part = operation.part
    keys = (layout.record(operation.key), layout.pending(part.queue), layout.dead)
    lease = int(operation.seconds * 1000)
    arguments = (operation.token, part.queue, part.id, lease, layout.keep)
    return Call(_BEGIN, keys, arguments, _work)


def sweep(layout: Layout, operation: Sweep) -> Call:
    """Give the call that puts a lost job back."""
    part = operation.part
    keys = (
        layout.record(operation.key),
        layout.dead,
        part.keys.intermediate,
        part.keys.scheduled,
        *job_keys(layout, (part,)),
    )
    return Call(_SWEEP, keys, (layout.keep, *job_words((part,))), bytes.decode)


def waiting(layout: Layout, operation: Waiting) -> Call:
    """Give the call that lists the jobs of a queue that have been waiting."""
    before = int(operation.before.timestamp() * 1000)
    keys = (layout.pending(operation.queue), layout.dead)
    return Call(_WAITING, keys, (before, layout.keep, _CANDIDATES), _ids)


def once(layout: Layout, operation: Once) -> Call:
    """Give the call that guards what is labelled."""
    lease = int(operation.seconds * 1000)
    arguments = (operation.label, operation.token, operation.step.value, lease, operation.part)
    return Call(_ONCE, (layout.record(operation.key),), arguments, _permit)


def latest(layout: Layout, operation: Latest) -> Call:
    """Give the call that guards an entity."""
    arguments = (
        operation.timestamp,
        operation.token,
        operation.step.value,
        int(operation.seconds * 1000),
        layout.keep,
    )
    return Call(_LATEST, (layout.entity(operation.entity),), arguments, _permit)


def _work(answer: Sequence[Any]) -> Work:  # Any: what a RESP parser gives.
    verdict, wait, *rest = answer
    if not rest:
        return Work(WorkVerdict(verdict.decode()), wait / 1000)
    attempt, body, delivery_id, received, secret, expected, *done = rest
    return Work(
        WorkVerdict.RUN,
        attempt=attempt,
        body=body,
        delivery_id=delivery_id.decode() or None,
        received_at=datetime.fromtimestamp(int(received) / 1000, UTC),
        secret=secret.decode(),
        expected=tuple(json.loads(expected or b"[]")),
        done=frozenset(name.decode() for name in done),
    )


def _ids(answer: Sequence[bytes]) -> tuple[str, ...]:
    return tuple(job_id.decode() for job_id in answer)


def _permit(answer: tuple[bytes, int]) -> Permit:
    permission, wait = answer
    return Permit(Permission(permission.decode()), wait / 1000)
