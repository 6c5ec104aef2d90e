"""Show what is remembered of a delivery in the admin; whatever a sender chose is escaped."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from django.contrib.admin import display
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.text import Truncator

from florentin_webhooks.cli.formatting.times import format_time
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.queries import Record, body_of
from florentin_webhooks.django.admin.source import delivery_source
from florentin_webhooks.django.models import Delivery
from florentin_webhooks.django.store.clock import from_db

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
    """Give the beginning of a fingerprint; it is enough for every command, and for the search."""
    return key.hex[:_SHORT]


class DeliveryColumns:
    """Be the cells of the list, and the lines of the page of one delivery."""

    @display(description="fingerprint")
    def shortened(self, delivery: Delivery) -> str:
        """Show the beginning of the fingerprint."""
        return format_html("<code>{}</code>", short(delivery.key))

    @display(description="state")
    def state_label(self, delivery: Delivery) -> str:
        """Show the state as a word, since nobody should need the colour."""
        picture = static(f"admin/img/icon-{_ICONS[State(delivery.state)]}.svg")
        words = '<span class="nowrap"><img src="{}" alt=""> {}</span>'
        return format_html(words, picture, delivery.state)

    @display(description="handlers done")
    def handled(self, delivery: Delivery) -> str:
        """Show how many of the handlers that want the event have ended."""
        ended, left = len(delivery.handlers), len(_left(delivery))
        return f"{ended} of {ended + left}" if ended + left else ""

    @display(description="attempts")
    def attempts(self, delivery: Delivery) -> str:
        """Show how often its handlers were started."""
        return str(delivery.attempt)

    @display(description="last failure")
    def shortened_reason(self, delivery: Delivery) -> str:
        """Show why it failed last, cut to what fits into a table."""
        return Truncator(delivery.reason).chars(_REASON)

    @display(description="last failure")
    def failed(self, delivery: Delivery) -> str:
        """Show why it failed last."""
        return delivery.reason or _NOTHING

    @display(description="received")
    def received(self, delivery: Delivery) -> str:
        """Show when it came, as logs do."""
        return _when(delivery.received_at)

    @display(description="finished")
    def finished(self, delivery: Delivery) -> str:
        """Show when its last handler had ended."""
        return _when(delivery.finished_at)

    @display(description="signed with")
    def signed_with(self, delivery: Delivery) -> str:
        """Show the name of the secret that matched."""
        return delivery.secret

    @display(description="ended")
    def ended(self, delivery: Delivery) -> str:
        """Show each handler that has ended, and how."""
        if not delivery.handlers and delivery.state == State.DONE:
            return "all that wanted it; their names were let go"
        return _listed(f"{name}: {ending}" for name, ending in delivery.handlers.items())

    @display(description="still to run")
    def missing(self, delivery: Delivery) -> str:
        """Show the handlers that would run in a replay."""
        return _listed(_left(delivery))

    @display(description="came again as")
    def retries(self, delivery: Delivery) -> str:
        """Show the fingerprints under which it came again, stamped anew."""
        again = Delivery.objects.using(delivery_source().using).filter(original=delivery.key)
        keys = list(again.values_list("key", flat=True)[: _RETRIES + 1])
        more = [f"and more than {_RETRIES}"] if len(keys) > _RETRIES else []
        return _listed([*(key.hex for key in keys[:_RETRIES]), *more])

    @display(description="body")
    def sent(self, delivery: Delivery) -> str:
        """Show the body, in a box of its own, so that none is too long for the page."""
        if delivery.body is None:
            return "Its body was let go; ask Florentin to send it again."
        held = Record(delivery.fingerprint, State(delivery.state), body=bytes(delivery.body))
        text = json.dumps(body_of(held), indent=2, ensure_ascii=False)
        return format_html(
            '<textarea class="vLargeTextField" aria-label="Body" rows="{}" readonly>{}</textarea>',
            min(text.count("\n") + 1, _LINES),
            text,
        )


def _left(delivery: Delivery) -> tuple[str, ...]:
    if delivery.state == State.DONE:
        return ()
    return delivery_source().missing(delivery.event, delivery.handlers)


def _when(stored: datetime | None) -> str:
    when = from_db(stored)
    return format_time(when.astimezone(UTC)) if when else _NOTHING


def _listed(lines: Iterable[str]) -> str:
    # Plain text, which the admin escapes; it moves a <ul> far to the right.
    return "\n".join(lines) or _NOTHING
