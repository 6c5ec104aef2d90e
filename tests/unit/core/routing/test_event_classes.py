"""Registering twice, too late, and from other modules."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from florentin_webhooks import Receiver, Router, events
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.events import Event
from florentin_webhooks.senders import Discord, GitHub, SendGrid, Stripe
from florentin_webhooks.senders.base import Sender
from florentin_webhooks.testing import Provider
from tests.support.routers import (
    StrictInvoice,
    SubscriptionPaused,
    handler,
    other,
    refused,
    wanted_by,
)

SECRET = "a-secret-of-some-length"
TWICE = "tests.support.routers:handler is registered twice for InvoiceCreated. Remove one of"


def with_handlers(*functions: str) -> Router:
    router = Router()
    for function in (handler, other):
        if function.__name__ in functions:
            router.on("invoice.created")(function)
    return router


@pytest.mark.parametrize("what", ["invoice.created", events.InvoiceCreated, Event])
def test_handler_registered_twice_for_an_event_is_refused(what: object) -> None:
    assert refused(with_handlers("handler"), what).startswith(TWICE)


def test_a_handler_for_unknown_events_twice_is_refused() -> None:
    router = Router()
    router.on_unknown(handler)
    with pytest.raises(ConfigurationError, match="registered twice for UnknownEvent"):
        router.on_unknown(handler)


def test_handler_of_a_model_and_its_parent_is_refused() -> None:
    message = refused(with_handlers("handler"), StrictInvoice)
    assert "registered twice for StrictInvoice" in message


def test_handler_of_two_overlapping_families_is_refused() -> None:
    router = Router()
    router.on(events.SubscriptionEvent)(handler)
    router.on_unknown(handler)
    message = refused(router, SubscriptionPaused, other)
    assert "handler is registered twice for SubscriptionPaused" in message


def test_one_function_may_handle_several_events() -> None:
    router = with_handlers("handler")
    router.on("user.login")(handler)
    router.on_unknown(handler)
    names = ("invoice.created", "user.login", "payment.failed")
    assert [wanted_by(router, name) for name in names] == [["handler"]] * 3


def test_two_lambdas_for_one_event_are_refused() -> None:
    router = Router()
    router.on("user.login")(lambda _: None)
    assert "or rename the second function." in refused(router, "user.login", lambda _: None)


def test_family_beside_the_catalogue_is_refused() -> None:
    class Own(Event):
        """A family of events that Florentin does not have."""

    class OwnMember(Own):
        event: Literal["own.member"]

    assert OwnMember.__base__ is Own
    assert refused(Router(), Own).startswith("Own does not name an event.")
    Router(GitHub()).on(Own)(handler)


def test_a_refused_handler_is_not_registered() -> None:
    router = with_handlers("handler")
    refused(router, Event, handler)
    assert wanted_by(router, "user.login") == []


# --- include ---


def test_the_handlers_of_an_included_router_stand_behind_those_before() -> None:
    router = with_handlers("handler")
    router.include(with_handlers("other"))
    assert wanted_by(router, "invoice.created") == ["handler", "other"]


def test_an_included_router_brings_its_models() -> None:
    inner, outer = Router(), Router()
    inner.on(StrictInvoice)(handler)
    outer.include(inner)
    assert outer.model("invoice.created") is StrictInvoice


def test_two_receivers_may_include_one_router() -> None:
    inner = with_handlers("handler")
    receivers = [Receiver(SECRET), Receiver(SECRET)]
    for receiver in receivers:
        receiver.include(inner)
    assert [wanted_by(each, "invoice.created") for each in receivers] == [["handler"]] * 2


@pytest.mark.parametrize("inner", [Router(), with_handlers("handler")])
def test_a_router_that_is_included_twice_is_refused(inner: Router) -> None:
    outer = Router()
    outer.include(inner)
    with pytest.raises(
        ConfigurationError, match=r"included before\. Remove one of the two lines\."
    ):
        outer.include(inner)


def test_a_router_that_includes_itself_is_refused() -> None:
    router = Router()
    with pytest.raises(ConfigurationError, match=r"cannot include itself\. Remove the line\."):
        router.include(router)


def test_routers_that_include_each_other_are_refused() -> None:
    one, two = Router(), Router()
    one.include(two)
    with pytest.raises(
        ConfigurationError, match=r"included in another one\. Register before include"
    ):
        two.include(one)


def test_a_module_in_place_of_its_router_is_refused() -> None:
    with pytest.raises(
        ConfigurationError, match=r"takes a Router, not .*\. Pass the router itself\."
    ):
        Router().include(events)  # type: ignore[arg-type]


def test_registering_on_an_included_router_is_refused() -> None:
    inner = Router()
    Router().include(inner)
    assert refused(inner, "user.login") == (
        "No handler can be registered any more. The router was included in another one. Register "
        "before include()."
    )


def test_a_refused_include_takes_nothing_over() -> None:
    outer = with_handlers("handler")
    with pytest.raises(ConfigurationError):
        outer.include(with_handlers("other", "handler"))
    assert wanted_by(outer, "invoice.created") == ["handler"]


def test_a_router_whose_include_was_refused_stays_open() -> None:
    inner = with_handlers("handler")
    with pytest.raises(ConfigurationError):
        with_handlers("handler").include(inner)
    inner.on("user.login")(other)
    assert wanted_by(inner, "user.login") == ["other"]


# --- after the first delivery ---

LATE = "No handler can be registered any more. The first delivery has arrived."


def started() -> Receiver:
    receiver = Receiver(SECRET)
    Provider(SECRET).deliver(receiver, "user.login")
    return receiver


def test_a_handler_that_comes_after_the_first_delivery_is_refused() -> None:
    assert refused(started(), "user.login").startswith(LATE)


def test_unknown_event_handler_after_the_first_delivery_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=LATE):
        started().on_unknown(handler)


def test_an_include_after_the_first_delivery_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=LATE):
        started().include(Router())


def test_a_forged_delivery_does_not_end_the_registration() -> None:
    receiver = Receiver(SECRET)
    Provider("another-secret-of-length").deliver(receiver, "user.login")
    receiver.on("user.login")(handler)
    assert wanted_by(receiver, "user.login") == ["handler"]


@pytest.mark.parametrize(
    ("sender", "wrong", "right"),
    [
        (GitHub(), "pull_requst.opened", "pull_request.opened"),
        (GitHub(), "isues.*", "issues.*"),
        (GitHub(), "pull_requst", "pull_request.*"),
        (SendGrid(), "boune", "bounce"),
        (Stripe(), "invioce.paid", "invoice.paid"),
        (Discord(), "ENTITLEMENT_CREATED", "ENTITLEMENT_CREATE"),
    ],
)
def test_misspelt_documented_event_is_refused(sender: Sender, wrong: str, right: str) -> None:
    router: Router[Any] = Router(sender)
    with pytest.raises(ConfigurationError, match="no documented event") as caught:
        router.on(wrong)
    assert f"Did you mean {right!r}?" in str(caught.value)
    router.on(right)
    router.on("an_event_that_is_new.*")
    router.on("*")


@pytest.mark.parametrize(("sender", "name"), [(GitHub(), "pull_request"), (Stripe(), "invoice")])
def test_beginning_of_names_is_no_event_alone(sender: Sender, name: str) -> None:
    router: Router[Any] = Router(sender)
    with pytest.raises(ConfigurationError, match=f"Write '{name}.*' for all of them"):
        router.on(name)
    router.on(f"{name}.*")
    Router(GitHub()).on("push")
