"""Log reasons for bodies that did not arrive complete."""

from __future__ import annotations

__all__ = ["consumed_body", "incomplete_body"]


def consumed_body(content_length: int, size: int = 0) -> str:
    """Return the reason for a body that the program around the receiver has read."""
    return f"{_count(content_length, size)}: a middleware read the body"


def incomplete_body(content_length: int, size: int) -> str:
    """Return the reason for a body that either the sender or a middleware has cut short."""
    counts = _count(content_length, size)
    return f"{counts}: the sender left, or a WSGI middleware read the body"


def _count(content_length: int, size: int) -> str:
    return f"Content-Length {content_length}, {size} bytes arrived"
