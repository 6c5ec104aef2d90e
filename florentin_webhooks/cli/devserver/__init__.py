"""The processes of a development session."""

__all__: list[str] = []
