"""Metrics for Prometheus: ``Metrics(hooks)``. Needs the extra ``prometheus``."""

from __future__ import annotations

try:
    from florentin_webhooks.prometheus.metrics import Metrics
except ModuleNotFoundError as missing:
    if missing.name != "prometheus_client":
        raise
    message = (
        "prometheus-client is not installed. Install it: "
        'pip install "florentin-webhooks[prometheus]"'
    )
    raise ModuleNotFoundError(message, name="prometheus_client") from None

__all__ = ["Metrics"]
