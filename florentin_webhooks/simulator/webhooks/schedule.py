"""The schedule of a sender, which it carries as data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from florentin_webhooks.senders.base import Acknowledged, Retries, Retrying

if TYPE_CHECKING:
    from florentin_webhooks.senders.base import Sender

__all__ = ["is_success", "retries_of"]


def retries_of(sender: Sender) -> Retries:
    """Return when *sender* tries again; never, where it does not carry that."""
    return sender.retries if isinstance(sender, Retrying) else Retries()


def is_success(sender: Sender, status: int | None) -> bool:
    """Return whether *sender* takes an answer with *status* for success; None: no answer."""
    wanted = sender.success_status if isinstance(sender, Acknowledged) else None
    if wanted is not None:
        return status == wanted
    return status is not None and 200 <= status < 300  # noqa: PLR2004 - any 2xx.
