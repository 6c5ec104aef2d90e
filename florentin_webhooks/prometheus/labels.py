"""Labels with a limited number of values, since each value is a series that is kept for good."""

from __future__ import annotations

__all__ = ["MOST_VALUES", "OTHER", "BoundedLabel"]

MOST_VALUES = 200
OTHER = "other"


class BoundedLabel:
    """The first values of a label, at most *most*; all others are ``other``.

    Senders choose the names of events, and tenants those of secrets.
    """

    def __init__(self, most: int = MOST_VALUES) -> None:
        self._values: set[str] = set()
        self._most = most

    def bound(self, value: str) -> str:
        """Return *value*, or ``other`` where there are too many."""
        if value not in self._values:
            if len(self._values) >= self._most:
                return OTHER
            self._values.add(value)
        return value
