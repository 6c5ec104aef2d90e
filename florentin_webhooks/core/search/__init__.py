"""Searches of operators through what a store remembers."""

__all__: list[str] = []
