"""Header lookup in the headers of any framework.

Header names have no case, values arrive as str or bytes, and a header may come more than once;
an attacker chooses all three. Knows nothing of signatures and of HTTP servers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol, cast

__all__ = ["HeaderMap", "Headers", "get_all", "get_each"]

_LIST: Any = list  # Any: type checkers narrow an unknown value to a list of unknown ones.

Pairs = Iterable[tuple[str | bytes, str | bytes]]


class MultiDict(Protocol):
    """Headers of Starlette, Werkzeug, Django and httpx: ``items()`` returns each header."""

    def items(self) -> Iterable[tuple[str, str]]:
        """Return name and value of each header, a repeated one more than once."""
        ...


class HeaderMap:
    """Headers by name, indexed once for any number of lookups."""

    __slots__ = ("_pairs", "_values", "unique")

    unique: Mapping[bytes, str | bytes] | None
    """The value of each name, where no name comes twice and the server passes bytes; else None."""

    def __init__(self, headers: Headers) -> None:
        self._values: dict[bytes, str | bytes]
        self._pairs: list[tuple[bytes, str | bytes]] | None = None
        listed: Any = headers
        if type(listed) is _LIST:
            # ASGI servers pass a list of bytes in lower case. No name comes twice if the dict keeps
            # all. It takes a third of the time.
            try:
                values = dict(listed)
                if len(values) == len(listed) and b"".join(values).islower():
                    self.unique = self._values = values
                    return
            except (TypeError, ValueError):
                pass
        self.unique = None
        # A name that is not ASCII matches none of ours, in any encoding.
        pairs = [
            (
                name.lower() if isinstance(name, bytes) else name.lower().encode(errors="replace"),
                value,
            )
            for name, value in _pairs(headers)
        ]
        self._values = dict(pairs)
        # Kept only if a name comes twice, since then the dict has lost a value.
        self._pairs = pairs if len(pairs) != len(self._values) else None

    def items(self) -> list[tuple[str, str]]:
        """Return the name in lower case and the value of each header."""
        pairs = self._values.items() if self._pairs is None else self._pairs
        return [(name.decode("latin-1"), _text(value)) for name, value in pairs]

    def get_all(self, name: str) -> list[str]:
        """Return every value of *name*, which is in lower case.

        Spaces and tabs around a value do not belong to it (RFC 9110, 5.5): h11 strips them,
        httptools leaves the trailing ones.
        """
        wanted = name.encode()
        if self._pairs is None:
            value = self._values.get(wanted)
            return [] if value is None else [_text(value)]
        return [_text(value) for key, value in self._pairs if key == wanted]

    def find(self, names: Iterable[bytes]) -> list[str | None] | None:
        """Return the value of each of *names*, in lower case, None where it is missing.

        None where a header comes twice: :meth:`get_each` has all values. The quickest of them.
        """
        if self._pairs is not None:
            return None
        found: list[str | None] = []
        for name in names:
            value = self._values.get(name)
            if type(value) is bytes:
                found.append(value.decode("latin-1").strip(" \t"))
            else:
                found.append(None if value is None else _text(value))
        return found

    def get_each(self, *names: str) -> list[list[str]]:
        """Return every value of each of *names*, which are in lower case."""
        if self._pairs is not None:
            return [self.get_all(name) for name in names]
        found: list[list[str]] = []
        for name in names:
            # As get_all, without a call for each name: 2 of a delivery's 35 us.
            value = self._values.get(name.encode())
            if type(value) is bytes:
                found.append([value.decode("latin-1").strip(" \t")])
            else:
                found.append([] if value is None else [_text(value)])
        return found


Headers = (
    Mapping[str, str]
    | Mapping[bytes, bytes]
    | Mapping[str, list[str]]
    | MultiDict
    | Pairs
    | HeaderMap
)
"""Any mapping or list of pairs, in any case, of str or bytes (bytes are read as latin-1).

A mapping may have lists of values, as AWS Lambda's ``multiValueHeaders`` do.
"""


def get_all(headers: Headers, name: str) -> list[str]:
    """Return every value of *name* in *headers*; *name* is in lower case."""
    if isinstance(headers, HeaderMap):
        return headers.get_all(name)
    size, wanted = len(name), name.encode()
    return [
        _text(value)
        for key, value in _pairs(headers)
        if len(key) == size and key.lower() == (name if isinstance(key, str) else wanted)
    ]


def get_each(headers: Headers, *names: str) -> list[list[str]]:
    """Return every value of each of *names*, which are in lower case."""
    headers = headers if isinstance(headers, HeaderMap) else HeaderMap(headers)
    return headers.get_each(*names)


def _pairs(headers: Headers) -> Pairs:
    items = getattr(headers, "items", None)
    return cast("Pairs", headers if items is None else items())


def _text(value: str | bytes | list[str]) -> str:
    if isinstance(value, list):
        return ", ".join(map(_text, value))  # What a repeated header means (RFC 9110, 5.2).
    return (value if isinstance(value, str) else value.decode("latin-1")).strip(" \t")
