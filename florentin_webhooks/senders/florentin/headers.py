"""The headers of a delivery and their meaning, for documentation such as OpenAPI."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["HEADERS", "REQUIRED_HEADER"]

REQUIRED_HEADER = "X-Florentin-Signature"
HEADERS: Mapping[str, str] = {
    REQUIRED_HEADER: "`sha256=` and the HMAC-SHA256 of the raw body, in hex",
    "X-Florentin-Event": "the event's type; if present, it must agree with the body",
    "X-Florentin-Delivery-Id": "the id of the delivery at Florentin",
    "X-Florentin-Timestamp": "informative: the signed timestamp is in the body",
}
