"""The documentation of the headers of a delivery, for OpenAPI."""

from __future__ import annotations

from typing import TYPE_CHECKING

from florentin_webhooks.senders.base import HeaderDocumentation
from florentin_webhooks.senders.florentin.signature import (
    DELIVERY_ID_HEADER,
    EVENT_HEADER,
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["HEADERS"]

HEADERS: Mapping[str, HeaderDocumentation] = {
    SIGNATURE_HEADER: HeaderDocumentation(
        "`sha256=` and the HMAC-SHA256 of the raw body, in hex", required=True
    ),
    EVENT_HEADER: HeaderDocumentation("the event's type; if present, it must agree with the body"),
    DELIVERY_ID_HEADER: HeaderDocumentation("the id of the delivery at Florentin"),
    TIMESTAMP_HEADER: HeaderDocumentation("informative: the signed timestamp is in the body"),
}
