"""The three messages of Amazon SNS as types. Fields have Python's names here, Amazon's in JSON."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from florentin_webhooks.protocol.event import Event, OpenModel

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CATALOGUE", "Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"]


class NotificationData(OpenModel):
    """The signed fields of a notification; many services put JSON into *message*."""

    message: str = Field(alias="Message")
    message_id: str = Field(alias="MessageId")
    topic_arn: str = Field(alias="TopicArn")
    subject: str | None = Field(default=None, alias="Subject")


class ConfirmationData(OpenModel):
    """The signed fields of a confirmation; a GET of *subscribe_url* subscribes (again)."""

    message: str = Field(alias="Message")
    message_id: str = Field(alias="MessageId")
    topic_arn: str = Field(alias="TopicArn")
    token: str = Field(alias="Token")
    subscribe_url: str = Field(alias="SubscribeURL")


class Notification(Event):
    """A message was published to a topic."""

    event: Literal["Notification"]
    data: NotificationData


class SubscriptionConfirmation(Event):
    """A subscription waits for its confirmation."""

    event: Literal["SubscriptionConfirmation"]
    data: ConfirmationData


class UnsubscribeConfirmation(Event):
    """A subscription was deleted."""

    event: Literal["UnsubscribeConfirmation"]
    data: ConfirmationData


CATALOGUE: Mapping[str, type[Event]] = MappingProxyType(
    {
        "Notification": Notification,
        "SubscriptionConfirmation": SubscriptionConfirmation,
        "UnsubscribeConfirmation": UnsubscribeConfirmation,
    }
)
"""Each message by its type."""
