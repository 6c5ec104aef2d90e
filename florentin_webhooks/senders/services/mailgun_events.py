"""Mailgun's events as types. Their payload is not signed: see :class:`Mailgun`."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from florentin_webhooks.protocol.event import Event, OpenModel

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "CATALOGUE",
    "Accepted",
    "Clicked",
    "Complained",
    "Delivered",
    "Failed",
    "MessageEvent",
    "Opened",
    "Rejected",
    "Stored",
    "Unsubscribed",
]

Object = dict[str, Any]


class MessageData(OpenModel):
    """What became of a message; ``message["headers"]["message-id"]`` says which."""

    id: str
    recipient: str | None = None
    message: Object | None = None
    tags: list[str] = Field(default_factory=list)
    user_variables: Object = Field(default_factory=dict, alias="user-variables")


class FailedData(MessageData):
    """Why a message failed; one that failed temporarily is tried again by Mailgun."""

    severity: Literal["temporary", "permanent"]
    reason: str | None = None


class ClickedData(MessageData):
    """Which link was clicked."""

    url: str | None = None


class MessageEvent(Event):
    """Base class of all events."""

    data: MessageData


class Accepted(MessageEvent):
    """A message was accepted by Mailgun."""

    event: Literal["accepted"]


class Rejected(MessageEvent):
    """A message was rejected by Mailgun."""

    event: Literal["rejected"]


class Delivered(MessageEvent):
    """A message was accepted by the recipient's server."""

    event: Literal["delivered"]


class Failed(MessageEvent):
    """A message could not be delivered."""

    event: Literal["failed"]
    data: FailedData


class Opened(MessageEvent):
    """A message was opened."""

    event: Literal["opened"]


class Clicked(MessageEvent):
    """A link in a message was clicked."""

    event: Literal["clicked"]
    data: ClickedData


class Unsubscribed(MessageEvent):
    """A recipient unsubscribed."""

    event: Literal["unsubscribed"]


class Complained(MessageEvent):
    """A recipient marked a message as spam."""

    event: Literal["complained"]


class Stored(MessageEvent):
    """An incoming message was stored."""

    event: Literal["stored"]


CATALOGUE: Mapping[str, type[Event]] = MappingProxyType(
    {
        "accepted": Accepted,
        "rejected": Rejected,
        "delivered": Delivered,
        "failed": Failed,
        "opened": Opened,
        "clicked": Clicked,
        "unsubscribed": Unsubscribed,
        "complained": Complained,
        "stored": Stored,
    }
)
"""Each event by its name."""
