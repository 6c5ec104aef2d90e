"""Log one line per delivery: its outcome, never its content.

The attributes of its record are ``outcome``, ``fingerprint``, ``event``, ``delivery_id``, and
``secret``, the name of the one that matched.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from florentin_webhooks.core.log.logger import escape, logger
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.protocol.delivery import Outcome

if TYPE_CHECKING:
    from datetime import datetime

    from florentin_webhooks.core.stores.accept import Claim
    from florentin_webhooks.errors import Unavailable, WebhookError
    from florentin_webhooks.protocol.delivery import Delivery, Reply

__all__ = [
    "DeliveryLog",
    "log_id_anomaly",
    "log_lost_record",
    "log_missing_store",
]

REJECTIONS_PER_SECOND = 10
"""The most lines that requests without a secret can cause; a summary counts the rest."""

_LEVELS = {
    Outcome.MALFORMED: logging.ERROR,
    Outcome.STALE: logging.WARNING,
    Outcome.INVALID_SIGNATURE: logging.WARNING,
    Outcome.READ_TIMEOUT: logging.WARNING,
    Outcome.TOO_LARGE: logging.WARNING,
    Outcome.UNSUPPORTED_ENCODING: logging.WARNING,
    Outcome.INVALID_EVENT: logging.ERROR,
    Outcome.BODY_UNAVAILABLE: logging.ERROR,
    Outcome.UNAVAILABLE: logging.ERROR,
}

# Constants, since the look-up of an enum's member takes 60 ns: ten are 1.5 % of a delivery.
_HANDLER_FAILED: Final = Outcome.HANDLER_FAILED


class DeliveryLog:
    """The log lines of one receiver, limited for requests without a valid signature."""

    def __init__(self) -> None:
        self._explained = ""
        self._second = 0
        self._rejections = 0

    def delivery(self, reply: Reply, delivery: Delivery, key: str) -> None:
        """Log the outcome of a genuine delivery, whose record has the fingerprint *key*.

        Failed handlers have a line each instead.
        """
        if reply.outcome is _HANDLER_FAILED:
            return
        level = _LEVELS.get(reply.outcome, logging.INFO)
        if not logger.isEnabledFor(level):
            return
        event, delivery_id = escape(delivery.event), escape(delivery.delivery_id or "-")
        logger.log(
            level,
            "%s %s event=%s delivery_id=%s%s",
            reply.outcome.value,
            key,
            event,
            delivery_id,
            self._cause(reply.error) if reply.error else "",
            extra={**_facts(reply.outcome, key, event, delivery_id), "secret": delivery.secret},
        )

    def _cause(self, error: WebhookError) -> str:
        """Return *error* for the end of a line, the hint of a configuration once."""
        if not isinstance(error, ConfigurationError):
            return f": {error}"
        is_known, self._explained = self._explained == error.message, error.message
        return f": {error.message if is_known else error}"

    def spooled(self, delivery: Delivery, error: Unavailable) -> None:
        """Log that a delivery waits in the spool, because the store has raised *error*."""
        event, delivery_id = escape(delivery.event), escape(delivery.delivery_id or "-")
        key, outcome = delivery.fingerprint, Outcome.ACCEPTED
        logger.warning(
            "%s %s event=%s delivery_id=%s, spooled: %s",
            *(outcome.value, key, event, delivery_id, error.message),
            extra={**_facts(outcome, key, event, delivery_id), "secret": delivery.secret},
        )

    def rejection(self, reply: Reply, reason: str, now: datetime) -> None:
        """Log a request that was rejected before it was known to be an event."""
        if reply.outcome is Outcome.MALFORMED or self._is_allowed(now):  # Strangers cannot sign.
            level = _LEVELS.get(reply.outcome, logging.INFO)
            facts = _facts(reply.outcome, "-", "-", "-")
            logger.log(level, "%s: %s", reply.outcome.value, reason, extra=facts)

    def _is_allowed(self, now: datetime) -> bool:
        second = int(now.timestamp())
        if second != self._second:
            self._log_summary()
            self._second, self._rejections = second, 0
        self._rejections += 1
        return self._rejections <= REJECTIONS_PER_SECOND

    def _log_summary(self) -> None:
        more = self._rejections - REJECTIONS_PER_SECOND
        if more > 0:
            logger.warning("%d more requests were rejected within one second", more)


def log_missing_store() -> None:
    """Log that deliveries are recorded in the default store."""
    logger.warning(
        "No store is configured: deliveries are recorded in this process only, until it ends. "
        "Pass store=RedisStore(url) where replays and restarts matter."
    )


def log_lost_record(key: str, queue: str) -> None:
    """Log that a job's record is gone, so that its handlers cannot run."""
    logger.error(
        "%s in queue %s cannot be handled: its record is gone. It was evicted, flushed or lost "
        "in a fail-over. Replay the delivery at its sender, and check the settings of Redis.",
        key,
        queue,
        extra={"fingerprint": key, "queue": queue},
    )


def log_id_anomaly(claim: Claim, delivery: Delivery) -> None:
    """Log a delivery id that was reused for other content, or changed between retries."""
    key, delivery_id = claim.key.hex(), escape(delivery.delivery_id or "-")
    if claim.id_reused:
        logger.warning(
            "Delivery id %s had other content before. %s counts as new.", delivery_id, key
        )
    if claim.id_changed:
        logger.info("%s had another delivery id before. Now it has %s.", key, delivery_id)


def _facts(outcome: Outcome, key: str, event: str, delivery_id: str) -> dict[str, str]:
    return {
        "outcome": outcome.value,
        "fingerprint": key,
        "event": event,
        "delivery_id": delivery_id,
    }
