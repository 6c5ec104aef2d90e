"""Misspelt events and data in a user's test are refused with the nearest name."""

from __future__ import annotations

from typing import Any

import pytest

from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.events import CATALOGUE
from florentin_webhooks.senders.florentin.samples import sample
from florentin_webhooks.testing import Provider
from tests.support.vectors import SECRET


def refused(event: str, **data: Any) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        Provider(SECRET).make(event, **data)
    return caught.value


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("user.logn", "user.login"),
        ("User.Login", "user.login"),
        ("invoice_created", "invoice.created"),
        ("invoices.created", "invoice.created"),
    ],
)
def test_misspelt_event_is_refused_with_the_nearest(wrong: str, right: str) -> None:
    error = refused(wrong)
    assert error.message == f"There is no event {wrong!r}."
    assert error.hint.startswith(f"Did you mean {right!r}?")


@pytest.mark.parametrize(
    ("event", "given", "hint"),
    [
        ("invoice.created", {"invoce": {}}, "Did you mean 'invoice'?"),
        ("invoice.created", {"amount_due": 5}, 'Write invoice={"amount_due": ...}.'),
        ("user.login", {"ip": "::1"}, "Use one of: user, account."),
    ],
)
def test_unknown_data_is_refused(event: str, given: Any, hint: str) -> None:
    error = refused(event, **given)
    assert error.message == f"The data of {event!r} has no key {next(iter(given))!r}."
    assert error.hint.startswith(hint)


def test_misspelt_field_is_refused_with_the_nearest() -> None:
    error = refused("invoice.created", invoice={"amount_deu": 5})
    assert error.message == "invoice of 'invoice.created' has no field 'amount_deu'."
    assert error.hint.startswith("Did you mean 'amount_due'?")


@pytest.mark.parametrize("event", CATALOGUE)
def test_every_sample_is_known_data(event: str) -> None:
    Provider(SECRET).make(event, **sample(event))


def test_new_names_are_made() -> None:
    provider = Provider(SECRET)
    provider.make("payment.failed", reason="no funds")
    provider.make("invoice.created", invoice={"due_at": "2026-12-01"})


def test_anything_is_made_without_checking_names() -> None:
    made = Provider(SECRET, check_names=False).make("user.logn", usr={})
    assert b'"usr": {}' in made.body
