"""The counters and histograms of deliveries and attempts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Counter, Histogram

from florentin_webhooks.errors import ConfigurationError

__all__ = ["BUCKETS", "Families"]

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
"""The limits of durations, in seconds."""

_PREFIX = "florentin_webhooks_"


class Families(NamedTuple):
    """What is counted, each with its labels."""

    deliveries: Counter
    delivery_seconds: Histogram
    attempt_seconds: Histogram
    dead: Counter

    @classmethod
    def create(cls, registry: CollectorRegistry, buckets: Sequence[float]) -> Families:
        """Create all in *registry*. Raises :class:`ConfigurationError` if it has them."""
        try:
            return cls(
                _deliveries(registry),
                _delivery_seconds(registry, buckets),
                _attempt_seconds(registry, buckets),
                _dead(registry),
            )
        except ValueError:
            raise ConfigurationError(
                "The registry has the metrics of other receivers.",
                "Pass all receivers to one Metrics, or registry=CollectorRegistry() to each.",
            ) from None


def _deliveries(registry: CollectorRegistry) -> Counter:
    labels = ("receiver", "sender", "event", "secret", "outcome")
    return Counter(f"{_PREFIX}deliveries", "Requests by outcome.", labels, registry=registry)


def _delivery_seconds(registry: CollectorRegistry, buckets: Sequence[float]) -> Histogram:
    name, text = "delivery_duration_seconds", "Time from the verification to the reply."
    labels = ("receiver", "outcome")
    return Histogram(_PREFIX + name, text, labels, registry=registry, buckets=buckets)


def _attempt_seconds(registry: CollectorRegistry, buckets: Sequence[float]) -> Histogram:
    name, text = "attempt_duration_seconds", "Time of an attempt of a handler."
    labels = ("receiver", "queue", "handler", "outcome")
    return Histogram(_PREFIX + name, text, labels, registry=registry, buckets=buckets)


def _dead(registry: CollectorRegistry) -> Counter:
    text, labels = "Deliveries whose last attempt has failed.", ("receiver", "queue")
    return Counter(f"{_PREFIX}dead_deliveries", text, labels, registry=registry)
