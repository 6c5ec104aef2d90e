"""The objects of the fixtures: a receiver on a store and a clock of the test, and its sender."""

__all__: list[str] = []
