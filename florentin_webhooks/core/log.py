"""Log one line per delivery: its outcome, never its content.

Logger ``florentin_webhooks``, which the program configures. The facts are in the text and in the
attributes of the record (``outcome``, ``fingerprint``, ``event``, ``delivery_id``, and ``secret``,
the name of the one that matched). Values that a stranger can choose are cut and escaped; bodies,
signatures and secrets are never passed in.
"""

from __future__ import annotations

import logging
from traceback import walk_tb
from typing import TYPE_CHECKING

from florentin_webhooks.protocol.delivery import Outcome

if TYPE_CHECKING:
    from datetime import datetime

    from florentin_webhooks.core.stores.accept import Claim
    from florentin_webhooks.protocol.delivery import Delivery, Reply

__all__ = [
    "DeliveryLog",
    "error_location",
    "handler_discarded",
    "handler_failed",
    "handler_postponed",
    "log_id_anomaly",
    "log_lost_record",
    "log_missing_store",
    "logger",
]

logger = logging.getLogger("florentin_webhooks")

REJECTIONS_PER_SECOND = 10
"""The most lines that requests without a secret can cause; a summary counts the rest."""

_WIDTH = 64
_LEVELS = {
    Outcome.MALFORMED: logging.ERROR,
    Outcome.STALE: logging.WARNING,
    Outcome.INVALID_SIGNATURE: logging.WARNING,
    Outcome.READ_TIMEOUT: logging.WARNING,
    Outcome.TOO_LARGE: logging.WARNING,
    Outcome.UNSUPPORTED_ENCODING: logging.WARNING,
    Outcome.INVALID_EVENT: logging.ERROR,
    Outcome.BODY_UNAVAILABLE: logging.ERROR,
    Outcome.HANDLER_FAILED: logging.ERROR,
    Outcome.UNAVAILABLE: logging.ERROR,
}


class DeliveryLog:
    """The log lines of one receiver, limited for requests without a valid signature."""

    def __init__(self) -> None:
        self._second = 0
        self._rejections = 0

    def delivery(self, reply: Reply, delivery: Delivery, key: str) -> None:
        """Log the outcome of a genuine delivery, whose record has the fingerprint *key*."""
        level = _LEVELS.get(reply.outcome, logging.INFO)
        if not logger.isEnabledFor(level):
            return
        event, delivery_id = _escaped(delivery.event), _escaped(delivery.delivery_id or "-")
        logger.log(
            level,
            "%s %s event=%s delivery_id=%s%s",
            reply.outcome.value,
            key,
            event,
            delivery_id,
            f": {reply.error}" if reply.error else "",
            extra={**_facts(reply.outcome, key, event, delivery_id), "secret": delivery.secret},
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


def handler_failed(name: str, key: str, error: BaseException) -> None:
    """Log which handler failed and where; its message, which may quote a payload, at DEBUG."""
    where = error_location(error)
    logger.error("handler %s failed for %s: %s at %s", name, key, type(error).__name__, where)
    logger.debug("handler %s failed for %s: %s", name, key, ascii(str(error))[:1000])


def error_location(error: BaseException) -> str:
    """Return the file name and line where *error* was raised, or "?"."""
    where = "?"
    for frame, line in walk_tb(error.__traceback__):
        where = f"{frame.f_code.co_filename.rpartition('/')[2]}:{line}"
    return where


def handler_postponed(name: str, key: str, seconds: float) -> None:
    """Log that a handler raised RetryLater."""
    logger.info("handler %s postponed %s for %s s", name, key, round(seconds, 1))


def handler_discarded(name: str, key: str) -> None:
    """Log that a handler raised Discard."""
    logger.info("handler %s discarded %s", name, key)


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
        "in a fail-over. Let the sender send the delivery again, and check the server's settings.",
        key,
        queue,
        extra={"fingerprint": key, "queue": queue},
    )


def log_id_anomaly(claim: Claim, delivery: Delivery) -> None:
    """Log a delivery id that was reused for other content, or changed between retries."""
    key, delivery_id = claim.key.hex(), _escaped(delivery.delivery_id or "-")
    if claim.id_reused:
        logger.warning(
            "Delivery id %s had other content before. %s counts as new.", delivery_id, key
        )
    if claim.id_changed:
        logger.info("%s had another delivery id before. Now it has %s.", key, delivery_id)


def _escaped(value: str) -> str:
    return ascii(value[:_WIDTH])[1:-1]


def _facts(outcome: Outcome, key: str, event: str, delivery_id: str) -> dict[str, str]:
    return {
        "outcome": outcome.value,
        "fingerprint": key,
        "event": event,
        "delivery_id": delivery_id,
    }
