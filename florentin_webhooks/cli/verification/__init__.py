"""Verification of captured requests, and the likely causes of a failure."""

__all__: list[str] = []
