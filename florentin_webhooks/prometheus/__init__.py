"""Metrics for Prometheus: ``Metrics(hooks)``. Needs the extra ``prometheus``."""

from florentin_webhooks.prometheus.metrics import Metrics

__all__ = ["Metrics"]
