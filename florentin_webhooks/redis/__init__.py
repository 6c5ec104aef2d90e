"""Redis and Valkey: the store, its clients, and a server for development."""

__all__: list[str] = []
