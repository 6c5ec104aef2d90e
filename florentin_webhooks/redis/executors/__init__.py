"""Executors that send script calls: synchronous, and pipelined under asyncio."""

__all__: list[str] = []
