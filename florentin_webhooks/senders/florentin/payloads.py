"""The payloads of the events (``data``) as types.

Florentin documents the fields of an invoice, so those are required. All others are inferred from
the events' names: optional, and never a reason to refuse a delivery: a value of another shape
leaves its attribute empty. Unknown fields are kept. In a subclass of yours, what you declare is
strict, and what you leave as it is stays lenient; ``email: str = Field()`` makes ours required.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import (
    BaseModel,
    Field,
    GetCoreSchemaHandler,
    StrictFloat,
    StrictInt,
    model_validator,
)
from pydantic_core import CoreSchema

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


_SPELLINGS = (list, str, int, float)
_VALIDATORS = ("function-after", "function-before", "function-wrap")
_DEFAULTS = ("default", "default_factory", "default_factory_takes_data", "copy_default")


def _fields(schema: Any) -> dict[str, Any]:
    """Return the schemas of a model's fields, below its own validators."""
    while schema["type"] != "model-fields":
        schema = schema["schema"]
    fields: dict[str, Any] = schema["fields"]
    return fields


def _leave_empty(field: Any) -> None:
    """Read the default of *field* from an invalid value, below all of its validators.

    A validator of a subclass gets that default, and may refuse it.
    """
    outer = inner = field["schema"]
    while inner["schema"]["type"] in _VALIDATORS:
        inner = inner["schema"]
    kept = inner["schema"]
    if kept["type"] != "function-plain" and kept.get("on_error") != "default":
        default = {key: outer[key] for key in _DEFAULTS if key in outer}
        inner["schema"] = {"type": "default", "schema": kept, "on_error": "default", **default}


def _is_ours(model: type[BaseModel], name: str) -> bool:
    """Check whether this module declares the field *name*, and not a subclass."""
    parent: type[BaseModel] = next(each for each in model.__mro__ if each.__module__ == __name__)
    ours, theirs = _shape(parent, name), _shape(model, name)
    return ours is not None and ours == theirs


def _shape(model: type[BaseModel], name: str) -> tuple[object, ...] | None:
    field = model.model_fields.get(name)
    return field and (field.annotation, field.metadata, field.is_required())


class LenientModel(OpenModel):
    """An object whose fields are inferred, so that none of them refuses a delivery."""

    @model_validator(mode="before")
    @classmethod
    def _empty(cls, value: object) -> object:
        # PHP, for one, spells an empty object []. A tuple, not a union: 4.8 us in place of 5.4.
        return {} if value is None or isinstance(value, _SPELLINGS) else value

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: Any, handler: GetCoreSchemaHandler, /
    ) -> CoreSchema:
        """Leave a field of ours at its default where its value is invalid.

        A validator in Python would be called for each: 5 us for a login.
        """
        schema = handler(source)
        for name, field in _fields(handler.resolve_ref_schema(schema)).items():
            if _is_ours(cls, name):
                _leave_empty(field)
        return schema


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
