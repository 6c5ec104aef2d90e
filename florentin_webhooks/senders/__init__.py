"""Senders of signed webhooks: how each signs, what it sends."""

__all__: list[str] = []
