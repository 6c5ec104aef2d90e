"""Jobs that a worker claims together and runs one after the other."""

__all__: list[str] = []
