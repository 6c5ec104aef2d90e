"""Replay a delivery within a request, and describe the result."""

from __future__ import annotations

import asyncio
from contextvars import Context
from functools import partial
from typing import TYPE_CHECKING

from asgiref.sync import SyncToAsync, ThreadSensitiveContext, sync_to_async
from django.db import connections

from florentin_webhooks.core.replay import ReplayResult, try_replay
from florentin_webhooks.errors import Unavailable
from florentin_webhooks.protocol.delivery import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from florentin_webhooks.core.receiver import Receiver

__all__ = ["describe", "replay_one"]


def replay_one(
    hooks: Receiver[object], key: UUID, *, all_handlers: bool, though_late: bool
) -> ReplayResult:
    """Replay the delivery *key*; errors become results."""
    replay = partial(try_replay, hooks, key.hex, all_handlers=all_handlers, though_late=though_late)
    try:
        return Context().run(_apart, hooks, replay)
    except Unavailable as error:
        return ReplayResult(key.hex, error.code, error.message)


def describe(result: ReplayResult) -> str:
    """Return *result* in words, without a full stop."""
    if result.needs_confirmation:
        return result.reason
    if result.outcome == Outcome.PROCESSED:
        return "replayed, and all its handlers are done"
    failed = result.outcome in (Outcome.HANDLER_FAILED, Outcome.INVALID_EVENT)
    return f"{result.outcome if failed else 'not replayed'}: {result.reason.rstrip('.')}"


def _apart(hooks: Receiver[object], work: Callable[[], ReplayResult]) -> ReplayResult:
    # Under ASGI this is the thread that sync_to_async uses. It is busy here, so an async handler
    # would wait for it forever. The context gives the replay a thread of its own.
    SyncToAsync.thread_sensitive_context.set(ThreadSensitiveContext())
    try:
        with hooks.handler_context():
            return work()
    finally:
        asyncio.run(sync_to_async(connections.close_all)())
