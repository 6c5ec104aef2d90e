"""What the observers of a receiver are called with, and the spans of its tracer."""

from florentin_webhooks.core.observers.notifier import Notifier
from florentin_webhooks.core.observers.spans import SafeTracer

__all__ = ["Notifier", "SafeTracer"]
