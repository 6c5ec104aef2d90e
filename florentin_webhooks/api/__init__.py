"""A typed client of the provider's API, for handlers that need more than an event holds.

Needs the extra ``api``. :class:`FlorentinAPI` blocks, :class:`AsyncFlorentinAPI` is for asyncio.
"""

from __future__ import annotations

try:
    from florentin_webhooks.api.client import AsyncFlorentinAPI, FlorentinAPI
except ModuleNotFoundError as missing:
    if missing.name != "httpx2":
        raise
    message = 'httpx2 is not installed. Install it: pip install "florentin-webhooks[api]"'
    raise ModuleNotFoundError(message, name="httpx2") from None

__all__ = ["AsyncFlorentinAPI", "FlorentinAPI"]
