"""The receiver and what it is made of; imports no Redis, no queue and no framework."""

__all__: list[str] = []
