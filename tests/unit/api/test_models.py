"""What the API answers, as types."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from florentin_webhooks.api.models import APIKey, Customer, Subscription, UsageSummary


def test_only_documented_fields_are_required() -> None:
    assert Subscription.model_validate({}).id is None
    with pytest.raises(ValidationError):
        Customer.model_validate({"id": "7c1f"})


def test_field_of_another_shape_is_empty() -> None:
    usage = UsageSummary.model_validate({"metrics": {"credits": "many"}, "period": 2026})
    assert (usage.metrics, usage.period) == ({}, None)


def test_objects_are_frozen() -> None:
    customer = Customer.model_validate({"id": "7c1f", "email": "ada@adabooks.example"})
    with pytest.raises(ValidationError, match="frozen"):
        customer.email = "other@adabooks.example"  # type: ignore[misc]  # that is the test.


def test_token_of_a_key_is_in_no_repr() -> None:
    key = APIKey.model_validate({"id": "7", "token": "7|kP3f9c", "scopes": ["api:read"]})
    assert (key.token, key.scopes) == ("7|kP3f9c", ("api:read",))
    assert "kP3f9c" not in repr(key)
