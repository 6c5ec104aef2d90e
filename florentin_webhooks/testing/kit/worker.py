"""A worker without Redis: it runs queued handlers in this process, as an RQ worker would."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING

from florentin_webhooks.core.job import process_job
from florentin_webhooks.core.stores.base import State

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from florentin_webhooks.core.receiver import Receiver
    from florentin_webhooks.core.stores.base import Store
    from florentin_webhooks.testing.store import Entry, Part

__all__ = ["retry_delay", "run_part", "schedule"]


def run_part(
    receiver: Receiver[object], store: Store, entry: Entry, part: Part, now: datetime
) -> None:
    """Run the handlers of *part* that are left, and schedule its retry if they failed."""
    delay = retry_delay(receiver, part.failures)
    with receiver.handler_context():
        result = process_job(
            receiver,
            store,
            entry.key.hex(),
            part.job.queue,
            last=delay is None,
            since=time.monotonic(),
            retry_in=delay,
        )
    failed = bool(result.failures)
    schedule(entry.parts[part.job.queue], result.seconds, delay, now, failed=failed)


def retry_delay(receiver: Receiver[object], failures: int) -> float | None:
    """Return the seconds after which the queue retries, None after its last attempt."""
    retries: Sequence[int] = getattr(receiver.queue, "retries", ())
    return float(retries[failures]) if failures < len(retries) else None


def schedule(
    part: Part, seconds: float | None, delay: float | None, now: datetime, *, failed: bool
) -> None:
    """Set when *part* runs again: after *seconds*, or as the next retry if it has *failed*."""
    if seconds is not None:
        part.due = now + timedelta(seconds=max(1.0, seconds))
    elif failed:
        part.failures += 1
        part.due = now + timedelta(seconds=delay or 0)
    elif part.state is State.QUEUED:
        part.due = now + timedelta(seconds=1)
