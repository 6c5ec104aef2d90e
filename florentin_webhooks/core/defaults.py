"""The sender that a receiver and a router have by default: the only place that names one."""

from florentin_webhooks.senders.florentin.registration import OnEvent
from florentin_webhooks.senders.florentin.sender import FLORENTIN as DEFAULT_SENDER

__all__ = ["DEFAULT_SENDER", "OnEvent"]
