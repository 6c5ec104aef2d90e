"""Routers, models and handlers to register, and what becomes of that."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

import pytest
from pydantic import BaseModel

from florentin_webhooks import Router, events
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.events import Event, parse_event
from florentin_webhooks.senders.florentin.samples import SAMPLES

NOW = datetime(2026, 6, 6, 12, tzinfo=UTC)


class StrictInvoice(events.InvoiceCreated):
    """A user's model of a documented event."""


class StricterInvoice(StrictInvoice):
    """A model of that model."""


class OtherInvoice(events.InvoiceCreated):
    """Somebody else's model of the same event."""


class Failure(BaseModel):
    reason: str


class PaymentFailed(events.UnknownEvent):
    """A type that the catalogue does not have."""

    event: Literal["payment.failed"]
    data: Failure


class SubscriptionPaused(events.SubscriptionEvent, events.UnknownEvent):
    """A type that the catalogue does not have, in a family that it has."""

    event: Literal["subscription.paused"]


class Unnamed(events.UnknownEvent):
    """A class without an event of its own; it is the parent of none, too."""


class OwnInvoice(Event):
    """A model beside the catalogue's."""

    event: Literal["invoice.created"]


class OwnPayment(Event):
    """A type that the catalogue does not have, derived from the wrong class."""

    event: Literal["payment.failed"]


def handler(event: Event) -> None:
    """Take anything."""


def other(event: Event) -> None:
    """Take anything, too."""


def arrived(router: Router, name: str) -> Event:
    """The event *name* by the model that *router* has for it."""
    envelope = {"event": name, "timestamp": NOW, "data": SAMPLES.get(name, {"reason": "no funds"})}
    return parse_event(envelope, router.model(name))


def wanted_by(router: Router, name: str) -> list[str]:
    """The functions that get the event *name*, in order."""
    return [each.function.__name__ for each in router.match(arrived(router, name))]


# Any: wrong on purpose.
def refused(router: Router, what: Any, function: Any = handler) -> str:
    """What is said to the one who registers *function* for *what*."""
    with pytest.raises(ConfigurationError) as caught:
        router.on(what)(function)
    return str(caught.value)
