"""How long a store keeps what it remembers."""

from __future__ import annotations

from datetime import timedelta

__all__ = [
    "milliseconds",
]


def milliseconds(span: timedelta) -> int:
    """Give *span* in whole milliseconds."""
    return span // timedelta(milliseconds=1)
