"""The log: one line per delivery, and one per attempt of a handler that did not simply succeed.

Logger ``florentin_webhooks``, which the program configures. The facts are in the text and in the
attributes of the record. Values that a stranger can choose are cut and escaped; bodies, signatures
and secrets are never passed in.
"""

from florentin_webhooks.core.log.delivery_log import (
    DeliveryLog,
    log_id_anomaly,
    log_lost_record,
    log_missing_store,
)
from florentin_webhooks.core.log.failure import (
    DeadDelivery,
    HandlerAttempt,
    HandlerFailure,
    discard_reason,
    error_text,
)
from florentin_webhooks.core.log.handler_log import HandlerLog, log_observer_failure
from florentin_webhooks.core.log.logger import logger
from florentin_webhooks.core.log.redaction import error_location, redact

__all__ = [
    "DeadDelivery",
    "DeliveryLog",
    "HandlerAttempt",
    "HandlerFailure",
    "HandlerLog",
    "discard_reason",
    "error_location",
    "error_text",
    "log_id_anomaly",
    "log_lost_record",
    "log_missing_store",
    "log_observer_failure",
    "logger",
    "redact",
]
