"""Store operations encoded as script calls, and their answers decoded."""

__all__: list[str] = []
