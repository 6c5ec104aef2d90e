"""Metrics for Prometheus: ``Metrics(hooks)``. Needs the extra ``prometheus``."""

from __future__ import annotations

from florentin_webhooks.protocol.suggestions import missing_extra

try:
    from florentin_webhooks.prometheus.metrics import Metrics
except ModuleNotFoundError as missing:
    raise missing_extra(missing, "prometheus_client", "prometheus-client", "prometheus") from None

__all__ = ["Metrics"]
