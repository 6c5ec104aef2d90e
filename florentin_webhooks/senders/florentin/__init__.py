"""What Florentin sends and how it signs (contract, "Webhooks")."""

__all__: list[str] = []
