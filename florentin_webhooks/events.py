"""The ten events as types: what a handler gets to hold.

The envelope is documented; what each event carries stands in :mod:`~florentin_webhooks.payloads`,
which requires documented fields only. Unknown fields are kept (``model_extra``), and the bytes
themselves stand in ``Delivery.body``. Where you know more than this package, subclass an event
with a stricter ``data`` model and register your handler for that class.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from pydantic import AwareDatetime, ValidationError

from florentin_webhooks.errors import InvalidEvent
from florentin_webhooks.payloads import (
    AccountData,
    InvoiceData,
    Open,
    SubscriptionData,
    TeamMemberData,
    TosData,
    UsageData,
    UserData,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "CATALOGUE",
    "AccountCreated",
    "Event",
    "InvoiceCreated",
    "SubscriptionCancelled",
    "SubscriptionDowngraded",
    "SubscriptionEvent",
    "SubscriptionPurchased",
    "SubscriptionUpgraded",
    "TeamMemberAdded",
    "TosAccepted",
    "UnknownEvent",
    "UsageMetricsUpdated",
    "UserLogin",
    "parse",
]


class Event(Open, frozen=True):
    """Be any event. *timestamp* is signed; *event* is the body's own word for its type.

    Its repr leaves *data* out, so that a careless log line holds nobody's payload.
    """

    event: str
    timestamp: AwareDatetime
    data: Any  # Each event narrows this; for a type nobody knows it is whatever JSON can spell.

    def __repr_args__(self) -> Iterable[tuple[str | None, object]]:
        yield "event", self.event
        yield "timestamp", self.timestamp


class AccountCreated(Event, frozen=True):
    """A new account exists."""

    event: Literal["account.created"]
    data: AccountData


class UserLogin(Event, frozen=True):
    """Somebody logged in."""

    event: Literal["user.login"]
    data: UserData


class SubscriptionEvent(Event, frozen=True):
    """Be any of the four subscription events."""

    data: SubscriptionData


class SubscriptionPurchased(SubscriptionEvent, frozen=True):
    """A subscription was bought."""

    event: Literal["subscription.purchased"]


class SubscriptionUpgraded(SubscriptionEvent, frozen=True):
    """The plan went up."""

    event: Literal["subscription.upgraded"]


class SubscriptionDowngraded(SubscriptionEvent, frozen=True):
    """The plan went down."""

    event: Literal["subscription.downgraded"]


class SubscriptionCancelled(SubscriptionEvent, frozen=True):
    """A subscription was cancelled."""

    event: Literal["subscription.cancelled"]


class InvoiceCreated(Event, frozen=True):
    """An invoice was created."""

    event: Literal["invoice.created"]
    data: InvoiceData


class TeamMemberAdded(Event, frozen=True):
    """A member joined a team."""

    event: Literal["team_member.added"]
    data: TeamMemberData


class TosAccepted(Event, frozen=True):
    """Terms were accepted."""

    event: Literal["tos.accepted"]
    data: TosData


class UsageMetricsUpdated(Event, frozen=True):
    """Usage figures changed."""

    event: Literal["usage.metrics_updated"]
    data: UsageData


class UnknownEvent(Event, frozen=True):
    """Be an event whose type the catalogue does not have; *data* is what the JSON spells."""


CATALOGUE: Mapping[str, type[Event]] = MappingProxyType(
    {
        "account.created": AccountCreated,
        "user.login": UserLogin,
        "subscription.purchased": SubscriptionPurchased,
        "subscription.upgraded": SubscriptionUpgraded,
        "subscription.downgraded": SubscriptionDowngraded,
        "subscription.cancelled": SubscriptionCancelled,
        "invoice.created": InvoiceCreated,
        "team_member.added": TeamMemberAdded,
        "tos.accepted": TosAccepted,
        "usage.metrics_updated": UsageMetricsUpdated,
    }
)
"""Every documented event type with its model, in the order of Florentin's documentation."""


def parse(envelope: Mapping[str, object], model: type[Event] | None = None) -> Event:
    """Give the typed event of an *envelope* (event, timestamp, data), by its own event name.

    *model* stands in for the catalogue's class. Raises :class:`InvalidEvent`, which names fields
    and never their values.
    """
    name = str(envelope["event"])
    chosen = model or CATALOGUE.get(name, UnknownEvent)
    try:
        return chosen.model_validate(envelope)
    except ValidationError as error:
        problems = [_problem(detail["loc"], detail["type"]) for detail in _details(error)]
    raise InvalidEvent(name, problems)


def _details(error: ValidationError) -> list[Any]:  # Pydantic's ErrorDetails are dicts of Any.
    return error.errors(include_input=False, include_url=False, include_context=False)


def _problem(location: tuple[int | str, ...], kind: str) -> str:
    return f"{'.'.join(map(str, location))}: {kind}"
