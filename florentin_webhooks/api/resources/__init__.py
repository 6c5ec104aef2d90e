"""The resources of the API: each operation is written once, for the blocking client and asyncio."""

__all__: list[str] = []
