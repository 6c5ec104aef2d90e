"""A router that serves a receiver in FastAPI."""

from florentin_webhooks.fastapi.router import webhook_router

__all__ = ["webhook_router"]
