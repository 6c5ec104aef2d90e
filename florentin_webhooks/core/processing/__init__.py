"""Running handlers under a lease and recording how each ended."""

__all__: list[str] = []
