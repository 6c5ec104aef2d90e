"""The health of a receiver.

*Live*: the process answers. *Ready*: deliveries can be accepted, since the store answers or a
spool has room. All else, such as a queue without a worker, makes neither untrue: a delivery that
is accepted waits, one that is refused may be lost.
"""

from florentin_webhooks.core.health.check import (
    DEFAULT_LIMITS,
    Health,
    HealthCheck,
    HealthFacts,
    HealthLimits,
    judge,
)
from florentin_webhooks.core.health.probe import Probe, answer_probe, gather_facts, health

__all__ = [
    "DEFAULT_LIMITS",
    "Health",
    "HealthCheck",
    "HealthFacts",
    "HealthLimits",
    "Probe",
    "answer_probe",
    "gather_facts",
    "health",
    "judge",
]
