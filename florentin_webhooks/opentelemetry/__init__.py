"""Traces and metrics for OpenTelemetry: ``Telemetry(hooks)``. Needs the extra ``opentelemetry``."""

from __future__ import annotations

try:
    from florentin_webhooks.opentelemetry.telemetry import Telemetry
except ModuleNotFoundError as missing:
    if missing.name != "opentelemetry":
        raise
    message = (
        "OpenTelemetry is not installed. Install it: "
        'pip install "florentin-webhooks[opentelemetry]"'
    )
    raise ModuleNotFoundError(message, name="opentelemetry") from None

__all__ = ["Telemetry"]
