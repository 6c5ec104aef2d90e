"""A response, with the headers that keep a page from being framed, cached or scripted."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from http import HTTPStatus
from typing import TYPE_CHECKING

from florentin_webhooks.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Changes", "PageResponse", "digest_shown", "redirect", "text"]

_POLICY = "; ".join(
    [
        "default-src 'none'",
        *(f"{kind}-src 'self'" for kind in ("script", "style", "img", "connect")),
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
)
_HEADERS = (
    ("Content-Security-Policy", _POLICY),
    ("X-Frame-Options", "DENY"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)


@dataclass(frozen=True, slots=True)
class PageResponse:
    """A response with *body*, or with a stream of events.

    *changes* returns a text that differs once there is something new to show; mounts that can
    stream send an event for each new one.
    """

    status: int = HTTPStatus.OK
    body: bytes = b""
    content_type: str = "text/html; charset=utf-8"
    added: tuple[tuple[str, str], ...] = ()
    changes: Callable[[], str] | None = field(default=None, repr=False)

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """The headers but for the length, which is that of the body."""
        names = {name for name, _ in self.added}
        cache = () if "Cache-Control" in names else (("Cache-Control", "no-store"),)
        return (("Content-Type", self.content_type), *_HEADERS, *cache, *self.added)


class Changes:
    """The changes of a page that knows the state *known*, as server-sent events."""

    def __init__(self, digest: Callable[[], str], known: str) -> None:
        self._digest = digest
        self._known = known

    def next_event(self) -> str:
        """Return an event if something has changed, else an empty text."""
        current = self._digest()[:16]
        if current == self._known:
            return ""
        self._known = current
        return f"id: {current}\nevent: change\ndata: {current}\n\n"


def digest_shown(read: Callable[[], object]) -> str:
    """Return a digest of what *read* returns, that of None where it cannot be read now."""
    try:
        shown = read()
    except Unavailable:
        shown = None
    return sha256(repr(shown).encode()).hexdigest()


def redirect(location: str, *added: tuple[str, str]) -> PageResponse:
    """Return a redirect to the relative URL *location*, which is fetched by GET."""
    return PageResponse(HTTPStatus.SEE_OTHER, added=(("Location", location), *added))


def text(status: int, message: str, *added: tuple[str, str]) -> PageResponse:
    """Return *message* as plain text."""
    body = f"{message}\n".encode()
    return PageResponse(status, body, "text/plain; charset=utf-8", added)
