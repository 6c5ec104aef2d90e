"""Write one log line per delivery: what became of it, never what was in it.

Logger ``florentin_webhooks``, configured by nobody here. The facts stand in the text and as
attributes of the record (``outcome``, ``fingerprint``, ``event``, ``delivery_id``, and ``secret``,
the name of the one that matched). Whatever a stranger may choose is cut and escaped; bodies,
signatures and secrets are not even passed in here.
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
    "logger",
]

logger = logging.getLogger("florentin_webhooks")

REFUSALS_PER_SECOND = 10
"""How many lines strangers, who need no secret, can cause; a summary counts the rest."""

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
    """Write the lines of one receiver, no more than a stranger may cause."""

    def __init__(self) -> None:
        self._second = 0
        self._refusals = 0

    def delivery(self, reply: Reply, delivery: Delivery, key: str) -> None:
        """Note what became of a genuine delivery, which counts under the fingerprint *key*."""
        level = _LEVELS.get(reply.outcome, logging.INFO)
        if not logger.isEnabledFor(level):
            return
        event, sent_as = _escaped(delivery.event), _escaped(delivery.delivery_id or "-")
        logger.log(
            level,
            "%s %s event=%s delivery_id=%s%s",
            reply.outcome.value,
            key,
            event,
            sent_as,
            f": {reply.error}" if reply.error else "",
            extra={**_facts(reply.outcome, key, event, sent_as), "secret": delivery.secret},
        )

    def refusal(self, reply: Reply, reason: str, now: datetime) -> None:
        """Note a request that was refused before it was known to be an event."""
        if reply.outcome is Outcome.MALFORMED or self._may_write(now):  # Strangers cannot sign.
            level = _LEVELS.get(reply.outcome, logging.INFO)
            facts = _facts(reply.outcome, "-", "-", "-")
            logger.log(level, "%s: %s", reply.outcome.value, reason, extra=facts)

    def _may_write(self, now: datetime) -> bool:
        second = int(now.timestamp())
        if second != self._second:
            self._summarise()
            self._second, self._refusals = second, 0
        self._refusals += 1
        return self._refusals <= REFUSALS_PER_SECOND

    def _summarise(self) -> None:
        more = self._refusals - REFUSALS_PER_SECOND
        if more > 0:
            logger.warning("%d more requests were refused within one second", more)


def handler_failed(name: str, key: str, error: BaseException) -> None:
    """Note which handler failed and where; its message, which may quote a payload, at DEBUG."""
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
    """Note that a handler said that it is too early."""
    logger.info("handler %s postponed %s for %s s", name, key, round(seconds, 1))


def handler_discarded(name: str, key: str) -> None:
    """Note that a handler said that it need not run again."""
    logger.info("handler %s discarded %s", name, key)


def log_id_anomaly(claim: Claim, delivery: Delivery) -> None:
    """Note a delivery id that is not what it seems: reused, or changed under way."""
    if not (claim.id_reused or claim.id_changed):
        return
    key, sent_as = claim.key.hex(), _escaped(delivery.delivery_id or "-")
    if claim.id_reused:
        logger.warning(
            "delivery id %s came with other content before; %s counts as new", sent_as, key
        )
    if claim.id_changed:
        logger.info("%s came under another delivery id before; now %s", key, sent_as)


def _escaped(value: str) -> str:
    return ascii(value[:_WIDTH])[1:-1]


def _facts(outcome: Outcome, key: str, event: str, delivery_id: str) -> dict[str, str]:
    return {
        "outcome": outcome.value,
        "fingerprint": key,
        "event": event,
        "delivery_id": delivery_id,
    }
