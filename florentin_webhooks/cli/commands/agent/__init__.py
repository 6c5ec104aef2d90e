"""Commands for coding agents."""

__all__: list[str] = []
