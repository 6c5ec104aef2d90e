"""The logger, and how values that a stranger can choose are written to it."""

from __future__ import annotations

import logging

__all__ = ["escape", "logger"]

logger = logging.getLogger("florentin_webhooks")

_WIDTH = 64


def escape(value: str, width: int = _WIDTH) -> str:
    """Return the first *width* characters of *value* as printable ASCII."""
    return ascii(value[:width])[1:-1]
