"""Log reasons for bodies that did not arrive complete."""

from __future__ import annotations

import sys

from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.protocol.headers import Headers, get_all
from florentin_webhooks.protocol.preconditions import content_length, reliable_content_length
from florentin_webhooks.protocol.servers import BodyLoss, server_without_body

__all__ = [
    "consumed_body",
    "incomplete_body",
    "lost_chunked_body",
    "lost_upgrade_body",
    "missing_body",
]


def consumed_body(content_length: int, size: int = 0) -> str:
    """Return the reason for a body that the program around the receiver has read."""
    return f"{_count(content_length, size)}: a middleware read the body"


def incomplete_body(content_length: int, size: int) -> str:
    """Return the reason for a body that either the sender or a middleware has cut short."""
    counts = _count(content_length, size)
    return f"{counts}: the sender left, or a WSGI middleware read the body"


def lost_chunked_body(headers: Headers, software: str = "") -> str | None:
    """Return the reason where a WSGI server has passed on no body of a chunked request, or None.

    *software* is the server's own name for itself.
    """
    if not get_all(headers, "transfer-encoding"):
        return None
    name = software[:40] or server_without_body(BodyLoss.CHUNKED, sys.modules)
    return f"no body arrived: {name} passes on none of a chunked request, see docs/servers.md"


def missing_body(headers: Headers) -> tuple[Outcome, str] | None:
    """Return why no body arrived in an ASGI program, or None where the sender sent none."""
    if promised := reliable_content_length(headers):
        # No server passes such a request on as complete, so a sender cannot cause this 500.
        return Outcome.BODY_UNAVAILABLE, consumed_body(promised)
    # A sender can cause this one, which looks like any wrong signature from outside.
    reason = lost_upgrade_body(headers)
    return (Outcome.INVALID_SIGNATURE, reason) if reason else None


def lost_upgrade_body(headers: Headers) -> str | None:
    """Return the reason where an ASGI server has passed on no body beside Upgrade, or None."""
    if not (get_all(headers, "upgrade") and content_length(headers)):
        return None
    name = server_without_body(BodyLoss.UPGRADE, sys.modules)
    return f"no body arrived: {name} passes on none beside an Upgrade header, see docs/servers.md"


def _count(content_length: int, size: int) -> str:
    return f"Content-Length {content_length}, {size} bytes arrived"
