"""A request for a page, as every framework passes it on."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from florentin_webhooks.protocol.headers import HeaderMap

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["MAX_FORM", "PageRequest"]

MAX_FORM = 1_100_000
"""The most bytes of a form; the largest field is the body of a delivery to trigger."""
_MOST_FIELDS = 20


@dataclass(frozen=True)
class PageRequest:
    """A request for the page at *path*, which begins with a slash and has no prefix.

    *client* is the address of the peer, None where the server does not know it. *is_secure*: it
    came over TLS. *native* is the request of the framework: an ASGI scope, or Flask's or Django's
    object.
    """

    method: str
    path: str
    query_string: str = ""
    headers: HeaderMap = field(default_factory=lambda: HeaderMap([]))
    body: bytes = field(default=b"", repr=False)
    client: str | None = None
    is_secure: bool = False
    native: object = field(default=None, repr=False)

    def header(self, name: str) -> str | None:
        """Return the value of the header *name*; None without one, or with several."""
        values = self.headers.get_all(name)
        return values[0] if len(values) == 1 else None

    @cached_property
    def query(self) -> Mapping[str, str]:
        """The parameters of the URL; the first of each name counts."""
        return _first_of_each(self.query_string)

    @cached_property
    def form(self) -> Mapping[str, str]:
        """The fields of the body, a form; the first of each name counts."""
        return _first_of_each(self.body.decode("utf-8", "replace"))

    @cached_property
    def cookies(self) -> Mapping[str, str]:
        """The cookies."""
        pairs = (each.strip().partition("=") for each in (self.header("cookie") or "").split(";"))
        return {name: value for name, _, value in pairs}

    def cookie(self, name: str, value: str, max_age: int | None = None) -> tuple[str, str]:
        """Return the header of the response that sets a cookie, for the session by default."""
        age = "" if max_age is None else f"; Max-Age={max_age}"
        secure = "; Secure" if self.is_secure else ""
        return "Set-Cookie", f"{name}={value}; HttpOnly; SameSite=Strict; Path=/{age}{secure}"


def _first_of_each(text: str) -> Mapping[str, str]:
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        return {}
    return dict(reversed(pairs))
