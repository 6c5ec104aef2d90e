"""How records, tables, ages and log lines are shown."""

__all__: list[str] = []
