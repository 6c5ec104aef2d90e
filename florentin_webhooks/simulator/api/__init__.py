"""The REST API of a simulated domain, from one table of operations."""

__all__: list[str] = []
