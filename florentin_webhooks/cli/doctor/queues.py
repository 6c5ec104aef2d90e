"""Check each queue of a receiver: its workers, its scheduler and its problems."""

from __future__ import annotations

from typing import TYPE_CHECKING

from florentin_webhooks.cli.doctor.check import fail, ok, warn
from florentin_webhooks.cli.doctor.remedies import queue_remedy
from florentin_webhooks.cli.invocation import suggest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from florentin_webhooks.cli.doctor.check import Check
    from florentin_webhooks.rq.monitoring import QueueStatus

__all__ = ["check_queue"]


def check_queue(status: QueueStatus, app: str) -> Iterator[Check]:
    """Yield the checks of one queue of the receiver *app*."""
    problems = status.problems()
    for problem in problems:
        hint = queue_remedy(problem.kind, status.name, app)
        yield fail(f"queue-{problem.kind.value}", problem.message, hint)
    kinds = {problem.kind.value for problem in problems}
    start = f"Run: {suggest('worker', '--queue', status.name, app=app)}"
    if not status.workers and "no-worker" not in kinds:
        message = f"No worker runs for queue {status.name}, so its handlers would wait."
        yield fail("queue-no-worker", message, start)
    elif status.workers and not status.scheduler and "no-scheduler" not in kinds:
        message = f"No scheduler runs for queue {status.name}, so failed events are not retried."
        yield warn("queue-no-scheduler", message, start)
    elif not problems:
        count = len(status.workers)
        yield ok("queue", f"{count} worker{'s' * (count != 1)} on queue {status.name}.")
