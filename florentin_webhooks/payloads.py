"""What the events carry in ``data``, as types.

Florentin documents the fields of an invoice, so those are required. All others are our reading of
the events' names: optional, and never a reason to refuse a delivery: a value of another shape
leaves its attribute empty. Unknown fields are kept.
"""

from __future__ import annotations

from pydantic import (
    BaseModel,
    StrictInt,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    field_validator,
)

__all__ = [
    "Account",
    "AccountData",
    "Invoice",
    "InvoiceData",
    "Member",
    "Open",
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


class Open(BaseModel, frozen=True, extra="allow", hide_input_in_errors=True):
    """Be an object that may hold more fields than are named here; they are kept."""


class Undocumented(Open, frozen=True):
    """Be an object whose fields are our reading, so that none of them refuses a delivery."""

    @field_validator("*", mode="wrap")
    @classmethod
    def _leave_empty(
        cls, value: object, validate: ValidatorFunctionWrapHandler, info: ValidationInfo
    ) -> object:
        try:
            return validate(value)
        except ValidationError:
            return cls.model_fields[info.field_name or ""].get_default(call_default_factory=True)


class Invoice(Open, frozen=True):
    """An invoice, as documented. *amount_due* is in minor units (4900 with ``eur``: 49 euros)."""

    id: str
    number: str
    status: str
    amount_due: StrictInt
    currency: str


class Account(Undocumented, frozen=True):
    """An account: the customer who pays."""

    id: str | None = None
    name: str | None = None
    email: str | None = None


class User(Undocumented, frozen=True):
    """A person with a login."""

    id: str | None = None
    name: str | None = None
    email: str | None = None


class Subscription(Undocumented, frozen=True):
    """A subscription to a plan."""

    id: str | None = None
    status: str | None = None
    plan: str | None = None
    previous_plan: str | None = None


class Team(Undocumented, frozen=True):
    """A team that members belong to."""

    id: str | None = None
    name: str | None = None


class Member(Undocumented, frozen=True):
    """A member of a team."""

    id: str | None = None
    email: str | None = None
    role: str | None = None


class Terms(Undocumented, frozen=True):
    """Terms of service in one of their versions."""

    version: str | None = None


class AccountData(Undocumented, frozen=True):
    """What ``account.created`` carries."""

    account: Account = Account()


class UserData(Undocumented, frozen=True):
    """What ``user.login`` carries."""

    user: User = User()
    account: Account = Account()


class SubscriptionData(Undocumented, frozen=True):
    """What the four subscription events carry."""

    subscription: Subscription = Subscription()
    account: Account = Account()


class InvoiceData(Open, frozen=True):
    """What ``invoice.created`` carries."""

    invoice: Invoice


class TeamMemberData(Undocumented, frozen=True):
    """What ``team_member.added`` carries."""

    member: Member = Member()
    team: Team = Team()
    account: Account = Account()


class TosData(Undocumented, frozen=True):
    """What ``tos.accepted`` carries."""

    terms: Terms = Terms()
    user: User = User()
    account: Account = Account()


class UsageData(Undocumented, frozen=True):
    """What ``usage.metrics_updated`` carries; *metrics* maps a metric's name to its figure."""

    metrics: dict[str, StrictInt | float] = {}
    account: Account = Account()
