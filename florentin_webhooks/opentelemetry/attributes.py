"""Attributes by the semantic conventions of messaging, and our own beside them.

The conventions are not stable, so their names are written out here and not imported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ERROR_TYPE", "EVENT", "HANDLER", "MESSAGE_ID", "OUTCOME", "SENDER", "messaging"]

ERROR_TYPE = "error.type"
MESSAGE_ID = "messaging.message.id"

ATTEMPT = "florentin_webhooks.attempt"
EVENT = "florentin_webhooks.event"
HANDLER = "florentin_webhooks.handler"
OUTCOME = "florentin_webhooks.outcome"
QUEUE = "florentin_webhooks.queue"
RECEIVER = "florentin_webhooks.receiver"
SENDER = "florentin_webhooks.sender"


def messaging(operation: str, kind: str, destination: str) -> Mapping[str, str]:
    """Return the attributes of an *operation* of this *kind*: receive, or process."""
    return {
        "messaging.system": "florentin_webhooks",
        "messaging.operation.name": operation,
        "messaging.operation.type": kind,
        "messaging.destination.name": destination,
    }
