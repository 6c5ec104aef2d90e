"""Which handler wants which event, and which registrations are refused with what advice."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from florentin_webhooks import Router, events
from florentin_webhooks.events import CATALOGUE, Event
from tests.support.routers import (
    Failure,
    OtherInvoice,
    OwnInvoice,
    OwnPayment,
    PaymentFailed,
    StricterInvoice,
    StrictInvoice,
    Unnamed,
    arrived,
    handler,
    handlers,
    other,
    refused,
    wanted_by,
)


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_handler_gets_the_event_it_names(name: str) -> None:
    router = Router()
    router.on(CATALOGUE[name])(handler)
    assert wanted_by(router, name) == ["handler"]


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_name_and_its_class_mean_the_same(name: Any) -> None:  # Any: the ten names.
    router = Router()
    router.on(name)(handler)
    assert handlers(router, name)[0].event_class is CATALOGUE[name]


def test_a_handler_gets_no_event_that_it_does_not_name() -> None:
    router = Router()
    router.on("invoice.created")(handler)
    assert not [n for n in CATALOGUE if n != "invoice.created" and wanted_by(router, n)]


def test_a_family_gets_its_members_and_no_others() -> None:
    router = Router()
    router.on(events.SubscriptionEvent)(handler)
    members = [name for name in CATALOGUE if wanted_by(router, name)]
    assert members == [name for name in CATALOGUE if name.startswith("subscription.")]


def test_the_family_of_all_gets_unknown_events_as_well() -> None:
    router = Router()
    router.on(Event)(handler)
    assert all(wanted_by(router, name) for name in (*CATALOGUE, "payment.failed"))


def test_on_unknown_gets_what_the_catalogue_does_not_have() -> None:
    router = Router()
    router.on_unknown(handler)
    names = (*CATALOGUE, "payment.failed", "Invoice.Created", " invoice.created")
    assert [n for n in names if wanted_by(router, n)] == list(names[-3:])


def test_handlers_keep_the_order_of_their_registration() -> None:
    router = Router()
    router.on(Event)(handler)
    router.on("invoice.created")(other)
    router.on(events.InvoiceCreated)(print)
    assert wanted_by(router, "invoice.created") == ["handler", "other", "print"]


def test_handler_registered_after_a_match_is_found() -> None:
    router = Router()
    router.on("user.login")(handler)
    handlers(router, "user.login")
    router.on("user.login")(other)
    assert wanted_by(router, "user.login") == ["handler", "other"]


def test_the_decorated_function_is_the_function_itself() -> None:
    assert Router().on("user.login")(handler) is handler


def test_a_function_decorated_for_unknown_events_is_the_function_itself() -> None:
    assert Router().on_unknown(handler) is handler


# --- models of one's own ---


def test_stricter_model_is_used_for_each_handler_of_its_event() -> None:
    router = Router()
    router.on("invoice.created")(handler)
    router.on(StrictInvoice)(other)
    assert type(arrived(router, "invoice.created")) is StrictInvoice


def test_stricter_model_keeps_the_handlers_of_the_catalogues_model() -> None:
    router = Router()
    router.on("invoice.created")(handler)
    router.on(StrictInvoice)(other)
    assert wanted_by(router, "invoice.created") == ["handler", "other"]


@pytest.mark.parametrize("turned", [False, True])
def test_derived_model_of_two_is_used(turned: bool) -> None:
    models: list[type[Event]] = [StrictInvoice, StricterInvoice]
    router = Router()
    for model, function in zip(models[::-1] if turned else models, (handler, other), strict=True):
        router.on(model)(function)
    assert router.model("invoice.created") is StricterInvoice


def test_two_unrelated_models_of_one_event_are_refused() -> None:
    router = Router()
    router.on(StrictInvoice)(handler)
    assert refused(router, OtherInvoice, other) == (
        "StrictInvoice and OtherInvoice are both registered as the model of 'invoice.created'. "
        "Derive OtherInvoice from StrictInvoice."
    )


def test_a_refused_model_leaves_the_one_before_in_place() -> None:
    router = Router()
    router.on(StrictInvoice)(handler)
    refused(router, OtherInvoice, other)
    assert wanted_by(router, "invoice.created") == ["handler"]


def test_unrelated_model_is_refused_with_the_base_to_derive_from() -> None:
    assert "Derive OwnInvoice from InvoiceCreated." in refused(Router(), OwnInvoice)


def test_a_new_type_gets_its_model() -> None:
    router = Router()
    router.on(PaymentFailed)(handler)
    assert type(arrived(router, "payment.failed")) is PaymentFailed


def test_a_new_type_still_counts_as_unknown() -> None:
    router = Router()
    router.on(PaymentFailed)(handler)
    router.on_unknown(other)
    assert wanted_by(router, "payment.failed") == ["handler", "other"]


def test_new_type_must_derive_from_unknown_event() -> None:
    assert refused(Router(), OwnPayment) == (
        "The catalogue has no event 'payment.failed'. Correct the name, or derive OwnPayment from "
        "UnknownEvent."
    )


def test_class_without_a_literal_is_refused_with_a_hint() -> None:
    assert refused(Router(), Unnamed) == (
        'Unnamed does not name an event. Declare event: Literal["the.type"].'
    )


# --- names ---


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("invoice.create", "invoice.created"),
        ("subscription.canceled", "subscription.cancelled"),
        ("Invoice.Created", "invoice.created"),
        ("team_members.added", "team_member.added"),
        ("invoice created", "invoice.created"),
    ],
)
def test_a_misspelt_name_is_refused_with_the_nearest_one(wrong: str, right: str) -> None:
    said = f"There is no event {wrong!r}. Did you mean {right!r}?"
    assert refused(Router(), wrong).startswith(said)


@pytest.mark.parametrize("name", ["", "ping"])
def test_a_name_like_no_other_is_refused_with_all_names(name: str) -> None:
    assert all(known in refused(Router(), name) for known in CATALOGUE)


@pytest.mark.parametrize("pattern", ["*", "invoice.*"])
def test_a_pattern_for_a_catalogue_suggests_classes(pattern: str) -> None:
    assert "Pass the class of a family of events, or Event" in refused(Router(), pattern)


def test_refused_name_suggests_on_unknown() -> None:
    assert "use on_unknown" in refused(Router(), "ping")


@pytest.mark.parametrize("what", [None, 42, b"invoice.created", dict, BaseModel, Failure, handler])
def test_neither_name_nor_event_class_is_refused(what: object) -> None:
    assert '. Write @hooks.on("the.type") or' in refused(Router(), what)
