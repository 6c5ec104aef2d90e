"""Commands about the other side: the provider, simulated or real."""

__all__: list[str] = []
