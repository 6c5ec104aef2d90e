"""Find a header in whatever a framework calls headers.

Header names have no case, values arrive as str or bytes, and a header may come more than once;
an attacker chooses all three. Knows nothing of signatures and of HTTP servers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol, cast

__all__ = ["Headers", "find"]

Pairs = Iterable[tuple[str | bytes, str | bytes]]


class MultiDict(Protocol):
    """Be what Starlette, Werkzeug, Django and httpx use: ``items()`` gives each header."""

    def items(self) -> Iterable[tuple[str, str]]:
        """Give name and value of each header, a repeated one more than once."""
        ...


Headers = Mapping[str, str] | Mapping[bytes, bytes] | MultiDict | Pairs
"""Any mapping or list of pairs, in any case, of str or bytes (bytes are read as latin-1)."""


def find(headers: Headers, name: str) -> list[str]:
    """Give every value that *headers* hold for *name*, which is written in lower case.

    Spaces and tabs around a value are no part of it (RFC 9110, 5.5): h11 strips them, httptools
    leaves the trailing ones.
    """
    size = len(name)
    return [
        _text(value).strip(" \t")
        for key, value in _pairs(headers)
        if len(key) == size and _text(key).lower() == name
    ]


def _pairs(headers: Headers) -> Pairs:
    items = getattr(headers, "items", None)
    return cast("Pairs", headers if items is None else items())


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("latin-1")
