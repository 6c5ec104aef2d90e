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
from florentin_webhooks.senders.florentin.payloads import (
    AccountData,
    InvoiceData,
    OpenModel,
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
    "parse_event",
]


MAX_PROBLEMS = 20
MAX_PATH = 100
"""How many problems an error names, and how many characters of each place in the payload."""


class Event(OpenModel):
    """Be any event. *timestamp* is signed; *event* is the body's own word for its type.

    Its repr leaves *data* out, so that a careless log line holds nobody's payload.
    """

    event: str
    timestamp: AwareDatetime
    data: Any  # Each event narrows this; for a type nobody knows it is whatever JSON can spell.

    def __repr_args__(self) -> Iterable[tuple[str | None, object]]:
        yield "event", self.event
        yield "timestamp", self.timestamp


class AccountCreated(Event):
    """A new account exists."""

    event: Literal["account.created"]
    data: AccountData


class UserLogin(Event):
    """Somebody logged in."""

    event: Literal["user.login"]
    data: UserData


class SubscriptionEvent(Event):
    """Be any of the four subscription events."""

    data: SubscriptionData


class SubscriptionPurchased(SubscriptionEvent):
    """A subscription was bought."""

    event: Literal["subscription.purchased"]


class SubscriptionUpgraded(SubscriptionEvent):
    """The plan went up."""

    event: Literal["subscription.upgraded"]


class SubscriptionDowngraded(SubscriptionEvent):
    """The plan went down."""

    event: Literal["subscription.downgraded"]


class SubscriptionCancelled(SubscriptionEvent):
    """A subscription was cancelled."""

    event: Literal["subscription.cancelled"]


class InvoiceCreated(Event):
    """An invoice was created."""

    event: Literal["invoice.created"]
    data: InvoiceData


class TeamMemberAdded(Event):
    """A member joined a team."""

    event: Literal["team_member.added"]
    data: TeamMemberData


class TosAccepted(Event):
    """Terms were accepted."""

    event: Literal["tos.accepted"]
    data: TosData


class UsageMetricsUpdated(Event):
    """Usage figures changed."""

    event: Literal["usage.metrics_updated"]
    data: UsageData


class UnknownEvent(Event):
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


def parse_event(envelope: Mapping[str, object], model: type[Event] | None = None) -> Event:
    """Give the typed event of an *envelope* (event, timestamp, data), by its own event name.

    *model* stands in for the catalogue's class. Raises :class:`InvalidEvent`, which names fields
    and never their values.
    """
    name = str(envelope["event"])
    chosen = model or CATALOGUE.get(name, UnknownEvent)
    try:
        return chosen.model_validate(envelope)
    except ValidationError as error:
        problems = _problems(error)
    except Exception as error:  # noqa: BLE001 - a validator of yours may raise anything.
        # Not chained, since its text and its traceback may hold the payload.
        problems = [f"{chosen.__name__} raised {type(error).__name__}"]
    raise InvalidEvent(name, problems)


def _problems(error: ValidationError) -> list[str]:
    details = error.errors(include_input=False, include_url=False, include_context=False)
    named = [_problem(each["loc"], each["type"]) for each in details[:MAX_PROBLEMS]]
    left = len(details) - len(named)
    return [*named, f"and {left} more"] if left else named


def _problem(location: tuple[int | str, ...], kind: str) -> str:
    # Keys of a dict are the sender's words: cut and escaped, they cannot fill or forge a log.
    path = ".".join(map(str, location))[:MAX_PATH].encode("unicode_escape").decode()
    return f"{path}: {kind}"
