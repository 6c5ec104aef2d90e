"""Requests that change something come from our own pages only.

A browser says where a request comes from (Sec-Fetch-Site, or Origin), and adds our cookie to
requests of our own pages only; a form holds the same token. Both must be right.
"""

from __future__ import annotations

from hmac import compare_digest
from http import HTTPStatus
from secrets import token_hex
from typing import TYPE_CHECKING

from florentin_webhooks.inspector.response import text

if TYPE_CHECKING:
    from florentin_webhooks.inspector.request import PageRequest
    from florentin_webhooks.inspector.response import PageResponse

__all__ = ["COOKIE", "FIELD", "known_token", "new_token", "refuse_forged"]

COOKIE = "florentin_inspector"
FIELD = "token"
_SIZE = 32


def known_token(request: PageRequest) -> str | None:
    """Return the token in the cookie of *request*, or None."""
    token = request.cookies.get(COOKIE, "")
    return token if len(token) == _SIZE and token.isalnum() and token.isascii() else None


def new_token(request: PageRequest) -> tuple[str, tuple[str, str]]:
    """Return a new token, and the header that sets its cookie."""
    token = token_hex(_SIZE // 2)
    return token, request.cookie(COOKIE, token)


def refuse_forged(request: PageRequest) -> PageResponse | None:
    """Return why *request*, which changes something, is refused, or None."""
    if not _is_same_site(request):
        return text(HTTPStatus.FORBIDDEN, "Another site has sent this request.")
    token = known_token(request)
    if token is None or not compare_digest(token.encode(), request.form.get(FIELD, "").encode()):
        return text(HTTPStatus.FORBIDDEN, "The form is too old. Go back, reload, and try again.")
    return None


def _is_same_site(request: PageRequest) -> bool:
    """Return whether *request* comes from our pages, or from a program that is not a browser."""
    site, origin = request.header("sec-fetch-site"), request.header("origin")
    if site is not None:
        return site in ("same-origin", "none")
    if origin is not None:
        return origin.partition("://")[2] == request.header("host")
    return not request.headers.get_all("origin")
