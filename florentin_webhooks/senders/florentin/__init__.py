"""Florentin: what it sends and how it signs (documentation, "Webhooks & events")."""

__all__: list[str] = []
