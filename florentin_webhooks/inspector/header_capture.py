"""The headers of a delivery as a page may show them: what could be a secret is masked."""

from __future__ import annotations

import re
from contextvars import ContextVar
from typing import TYPE_CHECKING

from florentin_webhooks.senders.base import DocumentsHeaders

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from starlette.types import ASGIApp, Receive, Scope, Send

    from florentin_webhooks.core.receiver import Receiver

__all__ = [
    "HeaderCapture",
    "MaskedHeaders",
    "captured_headers",
    "mask_headers",
    "signature_headers",
]

MaskedHeaders = tuple[tuple[str, str], ...]

_PRIVATE = re.compile(
    "auth|cookie|credential|digest|hmac|jwt|key|otp|pass|secret|session|sign|token", re.IGNORECASE
)
_DIGEST = re.compile("[A-Za-z0-9+/=]{40}")
"""What a signature looks like, in a header of any name."""
_MOST = 60
_LONGEST = 200
_captured: ContextVar[MaskedHeaders] = ContextVar("captured", default=())


def mask_headers(
    headers: Iterable[tuple[bytes, bytes]], private: Container[str] = ()
) -> MaskedHeaders:
    """Return *headers* as text, without the values of those that may hold a secret.

    Nor of those in *private*, which are in lower case.
    """
    pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]
    return tuple((name[:_LONGEST], _mask(name, value, private)) for name, value in pairs[:_MOST])


def signature_headers(receivers: Iterable[Receiver[object]]) -> frozenset[str]:
    """Return the headers in which the senders of *receivers* have their signatures."""
    return frozenset(
        name.lower()
        for hooks in receivers
        if isinstance(hooks.sender, DocumentsHeaders)
        for name, documented in hooks.sender.headers.items()
        if "signature" in documented.description.lower()
    )


def captured_headers() -> MaskedHeaders:
    """Return the masked headers of the request that is served now, empty where none are kept."""
    return _captured.get()


def _mask(name: str, value: str, private: Container[str]) -> str:
    if name.lower() in private or _PRIVATE.search(name) or _DIGEST.search(value):
        return f"masked, {len(value)} characters"
    return value if len(value) <= _LONGEST else f"{value[:_LONGEST]}..."


class HeaderCapture:
    """An ASGI middleware that keeps the masked headers of each request for its observers.

    Those with the signatures of *receivers* are masked, under any name.
    """

    def __init__(self, app: ASGIApp, receivers: Iterable[Receiver[object]] = ()) -> None:
        self._app = app
        self._private = signature_headers(receivers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http":
            _captured.set(mask_headers(scope["headers"], self._private))
        await self._app(scope, receive, send)
