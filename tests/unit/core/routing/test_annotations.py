"""Annotations of handlers: those that contradict the registration are refused."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Protocol, TypeVar

import pytest

from florentin_webhooks import Delivery, Router, events
from florentin_webhooks.errors import ConfigurationError

if TYPE_CHECKING:
    from florentin_webhooks import Receiver as Unimported

E = TypeVar("E", bound=events.Event)


class HasData(Protocol):
    data: Any


class Narrow(events.InvoiceCreated):
    """A model of the user's, which another handler may register."""


def invoice(event: events.InvoiceCreated) -> None: ...
def narrow(event: Narrow) -> None: ...
def annotated(event: Annotated[events.InvoiceCreated, "paid"]) -> None: ...
def base(event: events.Event, delivery: Delivery) -> None: ...
def anything(event: Any) -> None: ...
def bare(event, delivery) -> None: ...  # type: ignore[no-untyped-def]
def generic(event: E) -> None: ...
def protocol(event: HasData) -> None: ...
def unresolved(event: Unimported) -> None: ...
def either(event: events.InvoiceCreated | events.UserLogin | None) -> None: ...
def login(event: events.UserLogin) -> None: ...
def mapping(event: dict[str, object]) -> None: ...
def swapped(delivery: Delivery, event: events.InvoiceCreated) -> None: ...
def second(event: events.InvoiceCreated, delivery: events.InvoiceCreated) -> None: ...
def third(event: events.InvoiceCreated, again: events.InvoiceCreated) -> None: ...
def either_open(event: events.UserLogin | HasData) -> None: ...
def option(event: events.InvoiceCreated, retries: int = 3) -> None: ...
def optional(event: events.InvoiceCreated, delivery: Delivery | None = None) -> None: ...
def late(event: object, delivery: events.InvoiceCreated | None = None) -> None: ...
def family(event: events.SubscriptionEvent) -> None: ...
def upgraded(event: events.SubscriptionUpgraded) -> None: ...
def unknown(event: events.UnknownEvent) -> None: ...


def members(
    event: events.SubscriptionPurchased
    | events.SubscriptionUpgraded
    | events.SubscriptionDowngraded
    | events.SubscriptionCancelled,
) -> None: ...


def register(what: Any, function: Callable[..., None]) -> None:
    Router().on(what)(function)


@pytest.mark.parametrize(
    ("what", "function"),
    [
        *(
            ("invoice.created", each)
            for each in (
                invoice,
                annotated,
                narrow,
                base,
                anything,
                bare,
                generic,
                protocol,
                unresolved,
            )
        ),
        *(
            ("invoice.created", each)
            for each in (either, either_open, option, optional, partial(invoice))
        ),
        (Narrow, invoice),
        (events.SubscriptionEvent, family),
        (events.SubscriptionEvent, members),
        ("subscription.upgraded", family),
        (events.Event, base),
    ],
)
def test_annotation_that_agrees_is_taken(what: Any, function: Callable[..., None]) -> None:
    register(what, function)


@pytest.mark.parametrize(
    ("what", "function", "annotated"),
    [
        ("invoice.created", login, "registered for InvoiceCreated, .* annotated UserLogin"),
        ("invoice.created", mapping, r"annotated dict\[str, object\]"),
        ("invoice.created", swapped, "annotated Delivery"),
        ("invoice.created", second, "gets a Delivery second, .* annotated InvoiceCreated"),
        ("invoice.created", third, "gets a Delivery second, .* annotated InvoiceCreated"),
        ("invoice.created", late, r"gets a Delivery second, .*InvoiceCreated \| None"),
        ("invoice.created", partial(login), "annotated UserLogin"),
        ("user.login", family, "annotated SubscriptionEvent"),
        (events.SubscriptionEvent, upgraded, "annotated SubscriptionUpgraded"),
        (events.Event, invoice, "registered for Event, .* annotated InvoiceCreated"),
        ("invoice.created", unknown, "annotated UnknownEvent"),
    ],
)
def test_contradicting_annotation_is_refused(
    what: Any, function: Callable[..., None], annotated: str
) -> None:
    with pytest.raises(ConfigurationError, match=annotated):
        register(what, function)


def test_unknown_events_are_no_typed_events() -> None:
    Router().on_unknown(unknown)
    with pytest.raises(ConfigurationError, match="annotated InvoiceCreated"):
        Router().on_unknown(invoice)  # type: ignore[type-var]  # the mistake itself
