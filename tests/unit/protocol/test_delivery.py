"""Deliveries, outcomes and replies as values."""

from __future__ import annotations

import pickle
from copy import copy, deepcopy
from dataclasses import FrozenInstanceError, replace
from datetime import UTC, datetime
from hashlib import sha256
from threading import Lock
from typing import cast

import pytest

from florentin_webhooks.errors import ConfigurationError, Unavailable
from florentin_webhooks.protocol.delivery import Delivery, OnceContext, Outcome, Reply, name_secret

NOON = datetime(2026, 6, 6, 12, tzinfo=UTC)
DELIVERY = Delivery("0" * 32, "user.login", NOON, "id-1", "secret-1", NOON, b"the body")


def test_delivery_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        DELIVERY.event = "other"  # type: ignore[misc]  # that is the test.


def test_repr_of_a_delivery_hides_the_body() -> None:
    assert "the body" not in repr(DELIVERY)
    assert "user.login" in repr(DELIVERY)


def test_idempotency_key_depends_on_fingerprint_and_label_only() -> None:
    key = DELIVERY.idempotency_key("crm")
    # In every version: other services have the keys of deliveries that are still retried.
    assert key == sha256(f"{'0' * 32}:crm".encode()).hexdigest()[:32]
    assert replace(DELIVERY, body=b"", delivery_id=None).idempotency_key("crm") == key
    others = {
        DELIVERY.idempotency_key("mail"),
        replace(DELIVERY, fingerprint="1" * 32).idempotency_key("crm"),
    }
    assert len({key, *others}) == 3


def test_idempotency_key_of_a_label_that_is_not_utf8() -> None:
    assert len({DELIVERY.idempotency_key(label) for label in ("a\udcff", "a\udcfe", "a")}) == 3


def test_idempotency_key_differs_by_item() -> None:
    items = [replace(DELIVERY, item=item) for item in (None, 0, 1)]
    assert len({each.idempotency_key("crm") for each in items}) == len(items)


@pytest.mark.parametrize(
    ("secret", "tenant"),
    [
        (name_secret("acme", "secret-1"), "acme"),
        (name_secret("a/b", "x/y"), "a/b"),
        (name_secret("", "x/y"), ""),
        ("tenant:acme", ""),
        ("secret-1", ""),
    ],
)
def test_tenant_is_read_from_the_name_of_its_secret(secret: str, tenant: str) -> None:
    assert replace(DELIVERY, secret=secret).tenant == tenant


def test_once_outside_a_handler_is_a_configuration_error() -> None:
    with pytest.raises(ConfigurationError, match="outside a handler"):
        DELIVERY.once("mail")


def test_once_uses_the_factory_and_does_not_change_equality() -> None:
    labels: list[str] = []

    def factory(label: str) -> OnceContext:
        labels.append(label)
        return cast("OnceContext", label)

    delivery = replace(DELIVERY, once_factory=factory)
    assert cast("str", delivery.once("mail")) == "mail"
    assert labels == ["mail"]
    assert delivery == DELIVERY
    assert "factory" not in repr(delivery)


def test_delivery_of_a_handler_can_be_copied_and_pickled() -> None:
    lock = Lock()  # As stores have, which cannot be pickled.

    def factory(_: str) -> OnceContext:
        return cast("OnceContext", lock)

    delivery = replace(DELIVERY, once_factory=factory, key_id="k", digest=b"d", item=2)
    assert copy(delivery) is deepcopy(delivery) is delivery
    restored = pickle.loads(pickle.dumps(delivery))  # noqa: S301 - our own.
    assert restored == delivery
    assert (restored.key_id, restored.digest, restored.item) == ("k", b"d", 2)
    with pytest.raises(ConfigurationError, match="outside a handler"):
        restored.once("mail")


def test_every_outcome_has_a_status() -> None:
    assert {outcome.status // 100 for outcome in Outcome} == {2, 4, 5}


def test_error_of_a_reply_is_not_part_of_its_value() -> None:
    reply = Reply(Outcome.UNAVAILABLE, 503, (), b"")
    failed = replace(reply, error=Unavailable("Redis did not answer."))
    assert failed == reply
    assert "Redis" not in repr(failed)
