"""The store protocol, its operations as values, and the reference store in memory."""

__all__: list[str] = []
