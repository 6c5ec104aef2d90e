"""The configuration of a receiver: one model, the keys of each source, and the environment."""

__all__: list[str] = []
