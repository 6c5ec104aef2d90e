"""Senders that are one service each."""

__all__: list[str] = []
