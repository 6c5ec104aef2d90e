"""The programs that are compared: in each framework, our mount beside a view that verifies by hand.

One module for each, so that no framework pays for another.
"""

from __future__ import annotations

import hmac
import logging
from typing import TYPE_CHECKING

from benchmarks.deliveries import SECRET
from florentin_webhooks import Receiver

if TYPE_CHECKING:
    from collections.abc import Callable

    from florentin_webhooks.events import InvoiceCreated

__all__ = ["BY_HAND", "abill", "bill", "is_signed", "receiver"]

BY_HAND = "/by-hand"
KEY = SECRET.encode()


def bill(event: InvoiceCreated) -> None:
    """Handle an event, in a blocking program."""
    assert event.data.invoice.id


async def abill(event: InvoiceCreated) -> None:
    """Handle an event, in an asyncio program."""
    assert event.data.invoice.id


def receiver(handler: Callable[[InvoiceCreated], object]) -> Receiver:
    """Give a receiver as people begin with: no store, and one *handler*."""
    # Its lines would go wherever the program around it sends them: no cost of ours.
    logging.getLogger("florentin_webhooks").setLevel(logging.CRITICAL)
    hooks = Receiver(SECRET)
    hooks.on("invoice.created")(handler)
    return hooks


def is_signed(body: bytes, signature: str | None) -> bool:
    """Check the signature as people do by hand."""
    expected = "sha256=" + hmac.digest(KEY, body, "sha256").hex()
    return hmac.compare_digest(expected, signature or "")
