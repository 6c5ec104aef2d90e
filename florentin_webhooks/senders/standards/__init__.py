"""Senders that follow a standard, or your own description."""

__all__: list[str] = []
