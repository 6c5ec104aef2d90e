"""Reports of deliveries and attempts to observers, and spans around them."""

__all__: list[str] = []
