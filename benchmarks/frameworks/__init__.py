"""The programs to compare: in each framework, our mount and a view that verifies by hand.

Each framework has its own module, so that none pays for importing another.
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
    """Handle an event in a blocking program."""
    assert event.data.invoice.id


async def abill(event: InvoiceCreated) -> None:
    """Handle an event in an asyncio program."""
    assert event.data.invoice.id


def receiver(handler: Callable[[InvoiceCreated], object]) -> Receiver:
    """Return a receiver with the default store and one *handler*."""
    # What a log line costs depends on the handlers of the program, so it is not measured.
    logging.getLogger("florentin_webhooks").setLevel(logging.CRITICAL)
    hooks = Receiver(SECRET)
    hooks.on("invoice.created")(handler)
    return hooks


def is_signed(body: bytes, signature: str | None) -> bool:
    """Return whether the signature is right, checked as in code written by hand."""
    expected = "sha256=" + hmac.digest(KEY, body, "sha256").hex()
    return hmac.compare_digest(expected, signature or "")
