"""Which handler gets which event, and where it runs; calls none of them."""

__all__: list[str] = []
