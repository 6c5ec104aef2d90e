"""Discord's webhook events as types, those whose payload is documented in full."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from pydantic import AwareDatetime

from florentin_webhooks.protocol.event import Event, OpenModel

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "CATALOGUE",
    "ApplicationAuthorized",
    "ApplicationDeauthorized",
    "EntitlementCreated",
    "EntitlementDeleted",
    "EntitlementEvent",
    "EntitlementUpdated",
]

Object = dict[str, Any]


class Authorization(OpenModel):
    """Who authorized an application, where, for what; *guild* only for a server."""

    user: Object
    scopes: list[str]
    integration_type: int | None = None
    guild: Object | None = None


class Deauthorization(OpenModel):
    """Who removed an application."""

    user: Object


class Entitlement(OpenModel):
    """What a user or a server has bought; ids are texts."""

    id: str
    sku_id: str
    application_id: str
    type: int
    deleted: bool
    user_id: str | None = None
    guild_id: str | None = None
    consumed: bool | None = None
    starts_at: AwareDatetime | None = None
    ends_at: AwareDatetime | None = None


class ApplicationAuthorized(Event):
    """An application was added to a server or an account."""

    event: Literal["APPLICATION_AUTHORIZED"]
    data: Authorization


class ApplicationDeauthorized(Event):
    """An application was removed by a user."""

    event: Literal["APPLICATION_DEAUTHORIZED"]
    data: Deauthorization


class EntitlementEvent(Event):
    """Base class of the events of entitlements."""

    data: Entitlement


class EntitlementCreated(EntitlementEvent):
    """An entitlement was created."""

    event: Literal["ENTITLEMENT_CREATE"]


class EntitlementUpdated(EntitlementEvent):
    """An entitlement was changed."""

    event: Literal["ENTITLEMENT_UPDATE"]


class EntitlementDeleted(EntitlementEvent):
    """An entitlement was deleted."""

    event: Literal["ENTITLEMENT_DELETE"]


CATALOGUE: Mapping[str, type[Event]] = MappingProxyType(
    {
        "APPLICATION_AUTHORIZED": ApplicationAuthorized,
        "APPLICATION_DEAUTHORIZED": ApplicationDeauthorized,
        "ENTITLEMENT_CREATE": EntitlementCreated,
        "ENTITLEMENT_UPDATE": EntitlementUpdated,
        "ENTITLEMENT_DELETE": EntitlementDeleted,
    }
)
"""Each typed event by its name; handlers may subscribe to other names, too."""
