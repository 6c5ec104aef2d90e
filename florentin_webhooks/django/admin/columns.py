"""Columns and fields of a delivery in the admin. Values that a sender chose are escaped."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from django.contrib.admin import display
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.text import Truncator

from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.queries import Record, body_of
from florentin_webhooks.core.times import format_age, format_due, format_time
from florentin_webhooks.django.admin.source import delivery_source
from florentin_webhooks.django.models import Delivery
from florentin_webhooks.django.store.clock import from_db, to_datetime

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

__all__ = ["DeliveryColumns", "short"]

_SHORT = 12
_REASON = 120
_RETRIES = 50
_LINES = 30
_NOTHING = "-"
_ICONS = {
    State.DONE: "yes",
    State.RUNNING: "clock",
    State.QUEUED: "clock",
    State.FAILED: "no",
    State.DEAD: "no",
    State.STALE: "alert",
    State.INVALID: "alert",
}


def short(key: UUID) -> str:
    """Return the prefix of a fingerprint, which every command and the search accept."""
    return key.hex[:_SHORT]


class DeliveryColumns:
    """Columns of the list, and fields of the page of one delivery."""

    @display(description="fingerprint")
    def shortened(self, delivery: Delivery) -> str:
        """Return the prefix of the fingerprint."""
        return format_html("<code>{}</code>", short(delivery.key))

    @display(description="state")
    def state_label(self, delivery: Delivery) -> str:
        """Return the state as an icon and a word, so that colour is not needed."""
        is_scheduled = delivery.state == State.FAILED and _next_attempt(delivery)
        state = "scheduled" if is_scheduled else delivery.state
        icon = "clock" if is_scheduled else _ICONS[State(delivery.state)]
        template = '<span class="nowrap"><img src="{}" alt=""> {}</span>'
        return format_html(template, static(f"admin/img/icon-{icon}.svg"), state)

    @display(description="handlers done")
    def handled(self, delivery: Delivery) -> str:
        """Return how many of the event's handlers have ended."""
        ended, remaining = len(delivery.handlers), len(_remaining_handlers(delivery))
        return f"{ended} of {ended + remaining}" if ended + remaining else ""

    @display(description="attempts")
    def attempts(self, delivery: Delivery) -> str:
        """Return how often the handlers were started."""
        return str(delivery.attempt)

    @display(description="last failure")
    def shortened_reason(self, delivery: Delivery) -> str:
        """Return the last failure, cut to fit the table."""
        return Truncator(delivery.reason).chars(_REASON)

    @display(description="last failure")
    def failed(self, delivery: Delivery) -> str:
        """Return the last failure."""
        return delivery.reason or _NOTHING

    @display(description="received")
    def received(self, delivery: Delivery) -> str:
        """Return the time of receipt, as in logs."""
        return _format_time(delivery.received_at)

    @display(description="received", ordering="received_at")
    def age(self, delivery: Delivery) -> str:
        """Return how long ago it was received, which leaves room for the last failure."""
        when = from_db(delivery.received_at)
        template = '<span class="nowrap" title="{}">{} ago</span>'
        return format_html(template, format_time(when), format_age(when)) if when else _NOTHING

    @display(description="next attempt")
    def next_attempt_at(self, delivery: Delivery) -> str:
        """Return when the sender was asked to come back, if that is still to come."""
        due = _next_attempt(delivery)
        return f"{due:%Y-%m-%d %H:%M:%S} UTC, {format_due(due)}" if due else _NOTHING

    @display(description="finished")
    def finished(self, delivery: Delivery) -> str:
        """Return the time at which the last handler ended."""
        return _format_time(delivery.finished_at)

    @display(description="signed with")
    def signed_with(self, delivery: Delivery) -> str:
        """Return the name of the secret that matched."""
        return delivery.secret

    @display(description="ended")
    def ended(self, delivery: Delivery) -> str:
        """Return the ended handlers with their outcomes."""
        if not delivery.handlers and delivery.state == State.DONE:
            return "All handlers. Their names were deleted with the body."
        return _join(f"{name}: {outcome}" for name, outcome in delivery.handlers.items())

    @display(description="still to run")
    def missing(self, delivery: Delivery) -> str:
        """Return the handlers that a replay would run."""
        return _join(_remaining_handlers(delivery))

    @display(description="retried as")
    def retries(self, delivery: Delivery) -> str:
        """Return the fingerprints of its retries with a new timestamp."""
        retries = Delivery.objects.using(delivery_source().using).filter(original=delivery.key)
        keys = list(retries.values_list("key", flat=True)[: _RETRIES + 1])
        more = [f"and more than {_RETRIES}"] if len(keys) > _RETRIES else []
        return _join([*(key.hex for key in keys[:_RETRIES]), *more])

    @display(description="body")
    def sent(self, delivery: Delivery) -> str:
        """Return the body in a scrollable box."""
        if delivery.body is None:
            return "The body was deleted. Ask Florentin to send the delivery again."
        record = Record(delivery.fingerprint, State(delivery.state), body=bytes(delivery.body))
        text = json.dumps(body_of(record), indent=2, ensure_ascii=False)
        return format_html(
            '<textarea class="vLargeTextField" aria-label="Body" rows="{}" readonly>{}</textarea>',
            min(text.count("\n") + 1, _LINES),
            text,
        )


def _remaining_handlers(delivery: Delivery) -> tuple[str, ...]:
    if delivery.state == State.DONE:
        return ()
    return delivery_source().missing(delivery.event, delivery.handlers)


def _next_attempt(delivery: Delivery) -> datetime | None:
    """Return the time of the next attempt, unless it is over."""
    due = to_datetime(delivery.next_attempt)
    return due if due > datetime.now(UTC) else None


def _format_time(stored: datetime | None) -> str:
    when = from_db(stored)
    return format_time(when.astimezone(UTC)) if when else _NOTHING


def _join(lines: Iterable[str]) -> str:
    # Plain text, which the admin escapes. It would indent a <ul> too far.
    return "\n".join(lines) or _NOTHING
