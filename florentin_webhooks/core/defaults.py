"""The sender that a receiver and a router have by default: the only place that names one."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from florentin_webhooks.senders.florentin.registration import OnEvent
from florentin_webhooks.senders.florentin.sender import FLORENTIN as DEFAULT_SENDER

if TYPE_CHECKING:
    from typing_extensions import TypeVar as TypeVarWithDefault

    On_co = TypeVarWithDefault("On_co", default=OnEvent, covariant=True)
else:  # Python has the defaults of type variables from 3.13 on.
    On_co = TypeVar("On_co", covariant=True)

__all__ = ["DEFAULT_SENDER", "OnEvent", "On_co"]
