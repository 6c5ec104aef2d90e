"""Tools that change deliveries: requeue one, or discard it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from florentin_webhooks.core.log import logger
from florentin_webhooks.core.replay import NotReplayable, drop
from florentin_webhooks.mcp.answers import ActionResult
from florentin_webhooks.protocol.delivery import Outcome

if TYPE_CHECKING:
    from florentin_webhooks.core.replay import ReplayResult
    from florentin_webhooks.mcp.desk import Desk

__all__ = ["discard_delivery", "requeue_delivery"]


def requeue_delivery(
    desk: Desk, delivery: str, *, all_handlers: bool, though_late: bool
) -> ActionResult:
    """Run the unfinished handlers of a delivery again, or all of them."""
    key = desk.find(delivery).fingerprint
    logger.info("A tool requeues %s.", key)
    result = desk.replay(key, all_handlers=all_handlers, though_late=though_late)
    return ActionResult(key, result.ok, result.outcome, _describe(result))


def discard_delivery(desk: Desk, delivery: str) -> ActionResult:
    """Discard a delivery that is not done: its body is deleted, and its handlers never run."""
    key = desk.find(delivery).fingerprint
    logger.info("A tool discards %s.", key)
    try:
        drop(desk.hooks, key)
    except NotReplayable as error:
        return ActionResult(key, done=False, outcome=error.code, message=str(error))
    message = "It counts as done, and its body is deleted."
    return ActionResult(key, done=True, outcome="discarded", message=message)


def _describe(result: ReplayResult) -> str:
    if result.ok:
        is_queued = result.outcome == Outcome.ACCEPTED
        return "A worker will run its handlers." if is_queued else "Its handlers are done."
    hint = "Ask a person, then pass though_late." if result.needs_confirmation else result.hint
    reason = f"{result.reason[:1].upper()}{result.reason[1:]}".rstrip(".")
    return f"{reason}. {hint}".strip()
