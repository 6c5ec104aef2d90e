"""Sending calls to the server: blocking, and pipelined under asyncio."""

__all__: list[str] = []
