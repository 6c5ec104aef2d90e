"""The store in Redis or Valkey."""

__all__: list[str] = []
