"""Models and handlers to register in a router."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

import pytest
from pydantic import BaseModel

from florentin_webhooks import Receiver, Router, events
from florentin_webhooks.core.routing.handler import Handler
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.events import Event, parse_event
from florentin_webhooks.senders.florentin.samples import SAMPLES

NOW = datetime(2026, 6, 6, 12, tzinfo=UTC)


class StrictInvoice(events.InvoiceCreated):
    """A user's model of a documented event."""


class StricterInvoice(StrictInvoice):
    """A model of that model."""


class OtherInvoice(events.InvoiceCreated):
    """Another model of the same event."""


class Failure(BaseModel):
    reason: str


class PaymentFailed(events.UnknownEvent):
    """An event that is not in the catalogue."""

    event: Literal["payment.failed"]
    data: Failure


class SubscriptionPaused(events.SubscriptionEvent, events.UnknownEvent):
    """An event that is not in the catalogue, of a family that is."""

    event: Literal["subscription.paused"]


class Unnamed(events.UnknownEvent):
    """A class without an event of its own."""


class OwnInvoice(Event):
    """A model beside the catalogue's."""

    event: Literal["invoice.created"]


class OwnPayment(Event):
    """An event that is not in the catalogue, derived from the wrong class."""

    event: Literal["payment.failed"]


def handler(event: Event) -> None:
    """Take anything."""


def other(event: Event) -> None:
    """Take anything, too."""


def arrived(router: Router | Receiver, name: str) -> Event:
    """Return the event *name* in the model that *router* has for it."""
    envelope = {"event": name, "timestamp": NOW, "data": SAMPLES.get(name, {"reason": "no funds"})}
    return parse_event(envelope, router.model(name))


def handlers(router: Router | Receiver, name: str) -> tuple[Handler, ...]:
    """Return the handlers of the event *name*, in order."""
    owner = router.router if isinstance(router, Receiver) else router
    return owner.match(type(arrived(router, name)), name)


def wanted_by(router: Router | Receiver, name: str) -> list[str]:
    """Return the names of the functions that get the event *name*."""
    return [each.function.__name__ for each in handlers(router, name)]


# Any: wrong on purpose.
def refused(router: Router | Receiver, what: Any, function: Any = handler) -> str:
    """Return the error of registering *function* for *what*."""
    with pytest.raises(ConfigurationError) as caught:
        router.on(what)(function)
    return str(caught.value)
