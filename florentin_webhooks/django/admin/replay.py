"""Replay a delivery within a request, and describe the result."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from asgiref.sync import SyncToAsync, ThreadSensitiveContext, sync_to_async
from django.db import connections

from florentin_webhooks.core.replay import NotReplayable, PossiblyProcessed, replay
from florentin_webhooks.core.stores.queries import GetRecord
from florentin_webhooks.errors import MalformedDelivery, Unavailable, WebhookError
from florentin_webhooks.protocol.delivery import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from florentin_webhooks.core.receiver import Receiver
    from florentin_webhooks.protocol.delivery import Reply

__all__ = ["Replayed", "replay_one"]


@dataclass(frozen=True, slots=True)
class Replayed:
    """The result of one replay; one that *may_have_run* before needs a confirmation."""

    key: UUID
    ok: bool
    text: str
    may_have_run: bool = False


def replay_one(hooks: Receiver, key: UUID, *, all_handlers: bool, though_late: bool) -> Replayed:
    """Replay the delivery *key*; errors become results."""
    try:
        reply = Context().run(
            _apart,
            hooks,
            partial(replay, hooks, key.hex, all_handlers=all_handlers, though_late=though_late),
        )
    except PossiblyProcessed as error:
        return Replayed(key, False, error.reason, may_have_run=True)
    except (NotReplayable, MalformedDelivery) as error:
        return Replayed(key, False, f"not replayed: {error.reason}")
    except WebhookError as error:
        return Replayed(key, False, f"not replayed: {error.message.rstrip('.')}")
    if reply.outcome is Outcome.PROCESSED:
        return Replayed(key, True, "replayed, and all its handlers are done")
    return Replayed(key, False, f"{reply.outcome}: {_reason(hooks, key, reply)}")


def _apart(hooks: Receiver, work: Callable[[], Reply]) -> Reply:
    # Under ASGI this is the thread that sync_to_async uses. It is busy here, so an async handler
    # would wait for it forever. The context gives the replay a thread of its own.
    SyncToAsync.thread_sensitive_context.set(ThreadSensitiveContext())
    try:
        with hooks.handler_context():
            return work()
    finally:
        asyncio.run(sync_to_async(connections.close_all)())


def _reason(hooks: Receiver, key: UUID, reply: Reply) -> str:
    """Return the failures that the store remembers, or else the error of the reply."""
    if reply.outcome is Outcome.HANDLER_FAILED:
        with suppress(Unavailable):
            record = hooks.store.execute(GetRecord(key.bytes))
            if record is not None and record.reasons:
                return "; ".join(record.reasons.values())
    return reply.error.message.rstrip(".") if reply.error else ""
