"""How tables, records, times and log lines are shown."""

__all__: list[str] = []
