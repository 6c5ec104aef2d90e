"""Traces and metrics for OpenTelemetry: ``Telemetry(hooks)``. Needs the extra ``opentelemetry``."""

from __future__ import annotations

from florentin_webhooks.protocol.suggestions import missing_extra

try:
    from florentin_webhooks.opentelemetry.telemetry import Telemetry
except ModuleNotFoundError as missing:
    raise missing_extra(missing, "opentelemetry", "OpenTelemetry") from None

__all__ = ["Telemetry"]
