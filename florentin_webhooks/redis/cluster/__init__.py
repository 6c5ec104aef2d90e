"""The Redis store spread over a cluster: lanes, which are stores of one slot each."""

__all__: list[str] = []
