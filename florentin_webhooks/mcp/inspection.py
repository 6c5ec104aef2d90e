"""Tools that look: list deliveries, and explain one."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from florentin_webhooks.core.stores.queries import Status
from florentin_webhooks.core.times import to_iso
from florentin_webhooks.inspector.views.deliveries import ListPage, Query, Row
from florentin_webhooks.inspector.views.detail import describe_delivery
from florentin_webhooks.mcp.answers import (
    CheckAnswer,
    DeliveryList,
    DeliverySummary,
    Explanation,
    HandlerAnswer,
)
from florentin_webhooks.mcp.desk import ToolFailure

if TYPE_CHECKING:
    from florentin_webhooks.core.stores.queries import Record
    from florentin_webhooks.inspector.views.progress import HandlerProgress
    from florentin_webhooks.mcp.desk import Desk

__all__ = ["explain_delivery", "list_deliveries"]

MOST_LISTED = 50
_LONGEST_BODY = 100_000
_LONGEST_REASON = 500

_SUMMARIES = {
    Status.RUNNING: "Its handlers run now, under a lease.",
    Status.QUEUED: "It waits for a worker.",
    Status.SCHEDULED: "A handler has failed or asked for a later attempt, which is scheduled.",
    Status.DONE: "All its handlers are done.",
    Status.FAILED: "An inline handler has failed, or its process died.",
    Status.DEAD: "All retries of a queued handler have failed.",
    Status.STALE: "It was refused: it is genuine, but its signed time is outside of the window.",
    Status.INVALID: "It was refused: it is genuine, but its model does not accept the payload.",
}
_ADVICE = {
    Status.RUNNING: "Wait until it has finished.",
    Status.QUEUED: "Check with run_doctor that a worker listens to the queue.",
    Status.SCHEDULED: "Correct the handler before the next attempt.",
    Status.DONE: "Nothing to do.",
    Status.FAILED: "Correct the handler; the sender's retry runs it again, or requeue_delivery.",
    Status.DEAD: "Correct the handler, then use requeue_delivery.",
    Status.STALE: "Check the clocks. To run its handlers anyway, use requeue_delivery.",
    Status.INVALID: "Correct the model of the event, then use requeue_delivery.",
}


def list_deliveries(
    desk: Desk, state: str, event: str, text: str, limit: int, older: str
) -> DeliveryList:
    """Return at most *limit* deliveries that match, and where the next ones begin."""
    if state and state not in set(Status):
        known = ", ".join(Status)
        raise ToolFailure(f"There is no state {state[:30]!r}.", f"Use one of: {known}.")
    limit = max(1, min(limit, MOST_LISTED))
    desk.refresh()
    before = Query.of({"before": older}).before
    if older and before is None:
        raise ToolFailure(
            f"There is no page {older[:30]!r}.", "Pass older as the page before has it, or nothing."
        )
    page = desk.listing.page(Query(state=state, event=event, text=text, before=before))
    rows = [row for row in page.rows if row.path.startswith("deliveries/")]
    shown = rows[:limit]
    following = _position(shown[-1]) if len(rows) > limit else _following(page)
    return DeliveryList([*map(_summarize, shown)], following)


def explain_delivery(desk: Desk, delivery: str) -> Explanation:
    """Return what happened to a delivery, why, and what to do."""
    desk.refresh()
    record = desk.find(delivery)
    story = desk.trail.story(record.fingerprint)
    detail = describe_delivery(desk.sources, record, story, show_bodies=False, url="")
    handlers = [_handler(record, each) for each in detail.handlers]
    return Explanation(
        fingerprint=record.fingerprint,
        event=record.event,
        state=detail.status.value,
        summary=_summary(record, detail.status, handlers),
        advice=_ADVICE[detail.status],
        receiver=detail.receiver,
        delivery_id=record.delivery_id or "",
        received_at=_time(record.received_at),
        finished_at=_time(record.finished_at),
        checks=[CheckAnswer(name, result.value, facts) for name, result, facts in detail.checks],
        handlers=handlers,
        size=detail.size,
        body=_body(record) if desk.rights.bodies else "",
    )


def _summary(record: Record, status: Status, handlers: list[HandlerAnswer]) -> str:
    words = [_SUMMARIES[status]]
    if status in (Status.STALE, Status.INVALID) and (reason := record.reasons.get("", "")):
        words.append(f"{reason[:_LONGEST_REASON].rstrip('.')}.")
    words += [
        f"{each.name} failed: {each.reason[:_LONGEST_REASON].rstrip('.')}."
        for each in handlers
        if each.state == "failed" and each.reason
    ]
    due = sorted(each.next_attempt for each in handlers if each.next_attempt)
    if due:
        words.append(f"The next attempt is due at {due[0]}.")
    return " ".join(words)


def _summarize(row: Row) -> DeliverySummary:
    return DeliverySummary(
        fingerprint=row.path.rpartition("/")[2],
        event=row.event,
        state=row.state,
        received_at=_time(row.at),
        delivery_id=row.delivery_id,
        handlers_done=row.done,
        handlers_failed=row.failed,
        handlers_waiting=row.waiting,
        attempts=row.attempts,
        reason=row.reason[:_LONGEST_REASON],
    )


def _handler(record: Record, progress: HandlerProgress) -> HandlerAnswer:
    queue = progress.queue
    known = record.attempts.get(queue, 0) if queue else record.attempt
    return HandlerAnswer(
        name=progress.name,
        queue=queue,
        state=progress.state.value,
        reason=progress.reason,
        attempts=max(len(progress.attempts), known),
        next_attempt=_time(progress.next_attempt),
    )


def _following(page: ListPage) -> str:
    """Return where *page* goes on, also where its search has stopped before it found any."""
    query = (page.following or "").partition("?")[2]
    return dict(parse_qsl(query)).get("before", "")


def _position(row: Row) -> str:
    """Return the place of *row* in the list, as :class:`Query` reads it."""
    at = row.at or datetime.fromtimestamp(0, UTC)
    return f"{round(at.timestamp() * 1_000_000)}-{row.path.rpartition('/')[2]}"


def _time(time: datetime | None) -> str:
    return to_iso(time) or "" if time else ""


def _body(record: Record) -> str:
    try:
        text = json.dumps(json.loads(record.body), indent=2, ensure_ascii=False)
    except ValueError:
        text = record.body.decode("utf-8", "replace")
    return text[:_LONGEST_BODY]
