"""The payloads of the events (``data``) as types.

Florentin documents the fields of an invoice, so those are required. All others are inferred from
the events' names: optional, and never a reason to refuse a delivery: a value of another shape
leaves its attribute empty. Unknown fields are kept. In a subclass of yours, what you declare is
strict, and what you leave as it is stays lenient; ``email: str = Field()`` makes ours required.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import (
    BaseModel,
    Field,
    StrictFloat,
    StrictInt,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    field_validator,
    model_validator,
)

from florentin_webhooks.protocol.event import OpenModel

__all__ = [
    "Account",
    "AccountData",
    "Invoice",
    "InvoiceData",
    "Member",
    "OpenModel",
    "Subscription",
    "SubscriptionData",
    "Team",
    "TeamMemberData",
    "Terms",
    "TosData",
    "UsageData",
    "User",
    "UserData",
]

_Int64 = Annotated[StrictInt, Field(ge=-(2**63), le=2**63 - 1)]
"""An integer that every database and queue can store."""


class LenientModel(OpenModel):
    """An object whose fields are inferred, so that none of them refuses a delivery."""

    @model_validator(mode="before")
    @classmethod
    def _empty(cls, value: object) -> object:
        # PHP, for one, spells an empty object [].
        return {} if value is None or isinstance(value, list | str | int | float) else value

    @field_validator("*", mode="wrap")
    @classmethod
    def _leave_empty(
        cls, value: object, validate: ValidatorFunctionWrapHandler, info: ValidationInfo
    ) -> object:
        try:
            return validate(value)
        except ValidationError:
            name = info.field_name or ""
            if _is_ours(cls, name):
                return cls.model_fields[name].get_default(call_default_factory=True)
            raise


def _is_ours(model: type[LenientModel], name: str) -> bool:
    """Check whether this module declares the field *name*, and not a subclass."""
    parent: type[BaseModel] = next(each for each in model.__mro__ if each.__module__ == __name__)
    ours, theirs = _shape(parent, name), _shape(model, name)
    return ours is not None and ours == theirs


def _shape(model: type[BaseModel], name: str) -> tuple[object, ...] | None:
    field = model.model_fields.get(name)
    return field and (field.annotation, field.metadata, field.is_required())


class Invoice(OpenModel):
    """An invoice, as documented.

    *amount_due* is in minor units (4900 with ``eur``: 49 euros) and fits 64 bits.
    """

    id: str
    number: str
    status: str
    amount_due: _Int64
    currency: str


class Account(LenientModel):
    """An account: the customer who pays."""

    id: str | None = None
    name: str | None = None
    email: str | None = None


class User(LenientModel):
    """A person with a login."""

    id: str | None = None
    name: str | None = None
    email: str | None = None


class Subscription(LenientModel):
    """A subscription to a plan."""

    id: str | None = None
    status: str | None = None
    plan: str | None = None
    previous_plan: str | None = None


class Team(LenientModel):
    """A team that members belong to."""

    id: str | None = None
    name: str | None = None


class Member(LenientModel):
    """A member of a team."""

    id: str | None = None
    email: str | None = None
    role: str | None = None


class Terms(LenientModel):
    """Terms of service in one of their versions."""

    version: str | None = None


class AccountData(LenientModel):
    """The payload of ``account.created``."""

    account: Account = Field(default_factory=Account)


class UserData(LenientModel):
    """The payload of ``user.login``."""

    user: User = Field(default_factory=User)
    account: Account = Field(default_factory=Account)


class SubscriptionData(LenientModel):
    """The payload of the four subscription events."""

    subscription: Subscription = Field(default_factory=Subscription)
    account: Account = Field(default_factory=Account)


class InvoiceData(OpenModel):
    """The payload of ``invoice.created``."""

    invoice: Invoice


class TeamMemberData(LenientModel):
    """The payload of ``team_member.added``."""

    member: Member = Field(default_factory=Member)
    team: Team = Field(default_factory=Team)
    account: Account = Field(default_factory=Account)


class TosData(LenientModel):
    """The payload of ``tos.accepted``."""

    terms: Terms = Field(default_factory=Terms)
    user: User = Field(default_factory=User)
    account: Account = Field(default_factory=Account)


class UsageData(LenientModel):
    """The payload of ``usage.metrics_updated``; *metrics* maps a metric's name to its figure."""

    metrics: dict[str, StrictInt | StrictFloat] = Field(default_factory=dict)
    account: Account = Field(default_factory=Account)
