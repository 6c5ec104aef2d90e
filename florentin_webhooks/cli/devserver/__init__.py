"""The processes of a development session: web server, workers and Redis."""

__all__: list[str] = []
