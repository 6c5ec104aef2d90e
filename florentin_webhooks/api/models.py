"""What the API answers, as types.

Only documented fields are required. All others are inferred: optional, and empty where the API
writes another shape. Unknown fields are kept in ``model_extra``.
"""

from __future__ import annotations

from typing import Any

from pydantic import (
    Field,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    field_validator,
)

from florentin_webhooks.protocol.event import OpenModel

__all__ = [
    "APIKey",
    "APIObject",
    "Customer",
    "Invoice",
    "Login",
    "Plan",
    "Product",
    "Subscription",
    "TeamMember",
    "TermsAcceptance",
    "UsageSummary",
]


class APIObject(OpenModel):
    """Base class of all objects of the API; a field that is not required refuses no reply."""

    @field_validator("*", mode="wrap")
    @classmethod
    def _leave_empty(
        cls, value: object, validate: ValidatorFunctionWrapHandler, info: ValidationInfo
    ) -> Any:  # Any: that of the field.
        field = cls.model_fields[info.field_name or ""]
        try:
            return validate(value)
        except ValidationError:
            if field.is_required():
                raise
            return field.get_default(call_default_factory=True)


class Customer(APIObject):
    """A customer of the provider."""

    id: str
    email: str
    name: str | None = None


class Product(APIObject):
    """A product of the provider."""

    id: str | None = None
    name: str | None = None


class Plan(APIObject):
    """A plan of a product; *amount* is in minor units."""

    id: str | None = None
    product_id: str | None = None
    name: str | None = None
    amount: int | None = None
    currency: str | None = None


class Subscription(APIObject):
    """A subscription of a customer to a plan."""

    id: str | None = None
    customer_id: str | None = None
    plan: str | None = None
    previous_plan: str | None = None
    status: str | None = None


class Invoice(APIObject):
    """An invoice, with the fields of the event ``invoice.created``; minor units."""

    id: str | None = None
    customer_id: str | None = None
    number: str | None = None
    status: str | None = None
    amount_due: int | None = None
    currency: str | None = None


class TeamMember(APIObject):
    """A member of the team of a customer."""

    id: str | None = None
    customer_id: str | None = None
    email: str | None = None
    role: str | None = None


class TermsAcceptance(APIObject):
    """The terms that a person has accepted, in one version."""

    id: str | None = None
    customer_id: str | None = None
    email: str | None = None
    version: str | None = None


class Login(APIObject):
    """A login of a person."""

    id: str | None = None
    customer_id: str | None = None
    email: str | None = None


class UsageSummary(APIObject):
    """The usage of a customer in a period; *metrics* maps a metric's name to its figure."""

    customer_id: str | None = None
    period: str | None = None
    metrics: dict[str, int | float] = Field(default_factory=dict[str, int | float])


class APIKey(APIObject):
    """A token of the API. Its *token* is known only when it is created, and in no repr."""

    id: str | None = None
    name: str | None = None
    scopes: tuple[str, ...] = ()
    token: str | None = Field(default=None, repr=False)
