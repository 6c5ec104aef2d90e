"""The pages of a simulated domain: its delivery log, and what it is asked to do."""

__all__: list[str] = []
