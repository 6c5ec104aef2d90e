"""What the events carry in ``data``, as types.

Florentin documents the fields of an invoice, so those are required. All others are our reading of
the events' names: optional, and never a reason to refuse a delivery: a value of another shape
leaves its attribute empty. Unknown fields are kept. In a subclass of yours, what you declare is
strict, and what you leave as it is stays lenient; ``email: str = Field()`` makes ours required.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, dataclass_transform

from pydantic import (
    BaseModel,
    Field,
    PrivateAttr,
    StrictFloat,
    StrictInt,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    field_validator,
    model_validator,
)

if TYPE_CHECKING:
    # Tells checkers that subclasses are frozen, too, so that none has to repeat frozen=True;
    # pydantic itself inherits that. The public name of this class, type(BaseModel), is not one
    # that mypy follows.
    from pydantic._internal._model_construction import ModelMetaclass

    @dataclass_transform(
        kw_only_default=True, frozen_default=True, field_specifiers=(Field, PrivateAttr)
    )
    class _Frozen(ModelMetaclass): ...
else:
    _Frozen = type(BaseModel)

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


class OpenModel(
    BaseModel, metaclass=_Frozen, frozen=True, extra="allow", hide_input_in_errors=True
):
    """Be an object that may hold more fields than are named here; they are kept."""


class LenientModel(OpenModel):
    """Be an object whose fields are our reading, so that none of them refuses a delivery."""

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
    """Tell whether the field *name* is as this module declares it, and not as a subclass does."""
    parent: type[BaseModel] = next(each for each in model.__mro__ if each.__module__ == __name__)
    ours, theirs = _shape(parent, name), _shape(model, name)
    return ours is not None and ours == theirs


def _shape(model: type[BaseModel], name: str) -> tuple[object, ...] | None:
    field = model.model_fields.get(name)
    return field and (field.annotation, field.metadata, field.is_required())


class Invoice(OpenModel):
    """An invoice, as documented. *amount_due* is in minor units (4900 with ``eur``: 49 euros)."""

    id: str
    number: str
    status: str
    amount_due: StrictInt
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
    """What ``account.created`` carries."""

    account: Account = Field(default_factory=Account)


class UserData(LenientModel):
    """What ``user.login`` carries."""

    user: User = Field(default_factory=User)
    account: Account = Field(default_factory=Account)


class SubscriptionData(LenientModel):
    """What the four subscription events carry."""

    subscription: Subscription = Field(default_factory=Subscription)
    account: Account = Field(default_factory=Account)


class InvoiceData(OpenModel):
    """What ``invoice.created`` carries."""

    invoice: Invoice


class TeamMemberData(LenientModel):
    """What ``team_member.added`` carries."""

    member: Member = Field(default_factory=Member)
    team: Team = Field(default_factory=Team)
    account: Account = Field(default_factory=Account)


class TosData(LenientModel):
    """What ``tos.accepted`` carries."""

    terms: Terms = Field(default_factory=Terms)
    user: User = Field(default_factory=User)
    account: Account = Field(default_factory=Account)


class UsageData(LenientModel):
    """What ``usage.metrics_updated`` carries; *metrics* maps a metric's name to its figure."""

    metrics: dict[str, StrictInt | StrictFloat] = {}
    account: Account = Field(default_factory=Account)
