"""Names with wildcards, and handlers of a sender without a catalogue."""

from __future__ import annotations

from typing import Literal

import pytest
from pydantic import BaseModel

from florentin_webhooks import Receiver, Router
from florentin_webhooks.core.routing.patterns import matches
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.protocol.event import Event, GenericEvent, UnknownEvent
from florentin_webhooks.senders import Stripe
from tests.support.senders import CASES, NOW

pytestmark = pytest.mark.one_process
STRIPE = next(case for case in CASES if case.name == "stripe")


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("*", "ping", True),
        ("*", "invoice.paid", True),
        ("invoice.*", "invoice.paid", True),
        ("invoice.*", "invoice.line.added", True),
        ("invoice.*", "invoice", False),
        ("invoice.*", "invoice.", False),
        ("invoice.*", "invoices.paid", False),
        ("*.paid", "invoice.paid", True),
        ("*.paid", "invoice.unpaid", False),
        ("a.*.c", "a.b.c", True),
        ("a.*.c", "a.c", False),
        ("invoice.paid", "invoiceXpaid", False),
    ],
)
def test_star_replaces_whole_words(pattern: str, name: str, expected: bool) -> None:
    assert matches(pattern, name) is expected


class Amount(BaseModel):
    amount: int


class InvoiceEvent(Event):
    data: Amount


class InvoicePaid(InvoiceEvent):
    event: Literal["invoice.paid"]


class InvoiceVoided(InvoiceEvent):
    event: Literal["invoice.voided"]


class Shop:
    """A receiver of Stripe's events, and what its handlers got."""

    def __init__(self) -> None:
        self.hooks = Receiver(STRIPE.secrets, sender=Stripe(), clock=lambda: NOW)
        self.got: list[tuple[str, type[Event]]] = []

    def deliver(self, name: str) -> list[tuple[str, type[Event]]]:
        """Deliver an event and return what the handlers got."""
        self.got.clear()
        request = STRIPE.make(type=name, id=f"evt_{name}")
        assert self.hooks.receive(request.headers, request.body).status == 200
        return self.got

    def by_name(self, event: Event) -> None:
        self.got.append(("by_name", type(event)))

    def by_pattern(self, event: Event) -> None:
        self.got.append(("by_pattern", type(event)))

    def by_class(self, event: InvoiceEvent) -> None:
        self.got.append(("by_class", type(event)))

    def unknown(self, event: UnknownEvent) -> None:
        self.got.append(("unknown", type(event)))


@pytest.fixture
def shop() -> Shop:
    return Shop()


def test_any_name_may_be_subscribed_to(shop: Shop) -> None:
    shop.hooks.on("invoice.paid")(shop.by_name)
    assert shop.deliver("invoice.paid") == [("by_name", GenericEvent)]
    assert shop.deliver("invoice.voided") == []


def test_pattern_gets_matching_events_and_on_unknown_the_others(shop: Shop) -> None:
    shop.hooks.on("invoice.*")(shop.by_pattern)
    shop.hooks.on_unknown(shop.unknown)
    assert shop.deliver("invoice.paid") == [("by_pattern", GenericEvent)]
    assert shop.deliver("charge.failed") == [("unknown", UnknownEvent)]


def test_class_is_the_model_for_all_handlers_of_its_event(shop: Shop) -> None:
    shop.hooks.on(InvoicePaid)(shop.by_class)
    shop.hooks.on("invoice.*")(shop.by_pattern)
    assert shop.deliver("invoice.paid") == [("by_class", InvoicePaid), ("by_pattern", InvoicePaid)]


def test_family_gets_the_events_of_its_classes(shop: Shop) -> None:
    shop.hooks.on(InvoiceEvent)(shop.by_class)
    assert shop.deliver("invoice.voided") == [("by_class", InvoiceVoided)]
    assert shop.deliver("invoice.sent") == []


def test_function_with_two_matching_patterns_runs_once(shop: Shop) -> None:
    shop.hooks.on("invoice.*")(shop.by_pattern)
    shop.hooks.on("*.paid")(shop.by_pattern)
    assert shop.deliver("invoice.paid") == [("by_pattern", GenericEvent)]


def test_handler_with_a_pattern_is_found_by_its_name_only(shop: Shop) -> None:
    shop.hooks.on("invoice.*")(shop.by_pattern)
    with pytest.raises(ConfigurationError, match="is registered twice"):
        shop.hooks.on("invoice.*")(shop.by_pattern)


@pytest.mark.parametrize("first", ["invoice.*", "charge.failed"])
@pytest.mark.parametrize("second", ["*.paid", "charge.failed"])
def test_two_functions_of_one_name_are_refused(shop: Shop, first: str, second: str) -> None:
    shop.hooks.on(first)(lambda _: None)
    with pytest.raises(ConfigurationError, match="is registered twice"):
        shop.hooks.on(second)(lambda _: None)


def test_class_and_pattern_of_two_functions_are_refused(shop: Shop) -> None:
    shop.hooks.on(InvoicePaid)(lambda _: None)
    with pytest.raises(ConfigurationError, match="is registered twice"):
        shop.hooks.on("charge.*")(lambda _: None)


def test_router_of_a_sender_is_included(shop: Shop) -> None:
    router = Router(Stripe())
    router.on("charge.failed")(shop.by_name)
    shop.hooks.include(router)
    assert shop.deliver("charge.failed") == [("by_name", GenericEvent)]


@pytest.mark.parametrize("name", ["", " ", "a b", "invoice*", "in*.paid", "**", ".*", "a..*"])
def test_name_that_no_event_has_is_refused(shop: Shop, name: str) -> None:
    with pytest.raises(ConfigurationError, match="not the name of an event"):
        shop.hooks.on(name)


def test_event_class_without_a_name_is_refused(shop: Shop) -> None:
    class Nameless(Event):
        data: int

    with pytest.raises(ConfigurationError, match="does not name an event"):
        shop.hooks.on(Nameless)
