"""The sender's delivery log beside our records: reading it, and comparing both."""

__all__: list[str] = []
