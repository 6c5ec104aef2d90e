"""Traces and metrics for OpenTelemetry: ``Telemetry(hooks)``. Needs the extra ``opentelemetry``."""

from florentin_webhooks.opentelemetry.telemetry import Telemetry

__all__ = ["Telemetry"]
