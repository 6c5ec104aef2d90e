"""What is known of a request before its signature is verified, and which of it was read.

A function that looks secrets up reads a few of these values. Two requests that agree in all values
that it has ever read have the same secrets, so that they need one look-up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from florentin_webhooks.protocol.headers import HeaderMap
    from florentin_webhooks.senders.secrets import Secrets

__all__ = ["Request", "RequestHeaders", "Tenant"]


class Tenant(NamedTuple):
    """The *secrets* of the tenant *name*, which is part of the identity of its deliveries."""

    name: str
    secrets: Secrets

    def __repr__(self) -> str:
        """Return the name without the secrets."""
        return f"Tenant({self.name!r})"


class Request:
    """A request whose signature is not verified yet: a stranger may have chosen all of it.

    *path_params* are the parameters in the path of the mount, as text; *headers* has no case;
    *url* is None where the mount does not know it. The body is not here: it is not genuine yet.
    """

    def __init__(
        self, headers: HeaderMap, path_params: Mapping[str, object] | None, url: str | None
    ) -> None:
        self.reads: set[tuple[str, str]] = set()
        self.headers = RequestHeaders(headers, self.reads)
        texts = {name: str(value) for name, value in (path_params or {}).items()}
        self.path_params: Mapping[str, str] = _PathParams(texts, self.reads)
        self._params, self._url = texts, url

    @property
    def host(self) -> str:
        """The Host header, empty without one; with its port, if the sender has sent it."""
        return self.headers.get("host")

    @property
    def url(self) -> str | None:
        """The URL that the sender called."""
        self.reads.add(("url", ""))
        return self._url

    def values(self, reads: tuple[tuple[str, str], ...]) -> tuple[object, ...]:
        """Return the values at *reads*, which are thereby not read."""
        return tuple(self._value(kind, name) for kind, name in reads)

    def _value(self, kind: str, name: str) -> object:
        if kind == "header":
            return self.headers.peek(name)
        if kind == "url":
            return self._url
        return self._params.get(name) if name else tuple(self._params.items())


class RequestHeaders:
    """Headers by name, in any case; a repeated one is joined by commas."""

    __slots__ = ("_headers", "_reads")

    def __init__(self, headers: HeaderMap, reads: set[tuple[str, str]]) -> None:
        self._headers = headers
        self._reads = reads

    def __getitem__(self, name: str) -> str:
        self._reads.add(("header", name.lower()))
        values = self._headers.get_all(name.lower())
        if not values:
            raise KeyError(name)
        return ", ".join(values)

    def __contains__(self, name: str) -> bool:
        self._reads.add(("header", name.lower()))
        return bool(self._headers.get_all(name.lower()))

    def get(self, name: str, default: str = "") -> str:
        """Return the value of *name*, or *default*."""
        values = self.peek(name.lower())
        self._reads.add(("header", name.lower()))
        return ", ".join(values) if values else default

    def peek(self, name: str) -> tuple[str, ...]:
        """Return the values of *name*, which is in lower case, without reading them."""
        return tuple(self._headers.get_all(name))


class _PathParams(Mapping[str, str]):
    """The parameters of a path."""

    def __init__(self, values: Mapping[str, str], reads: set[tuple[str, str]]) -> None:
        self._values = values
        self._reads = reads

    def __getitem__(self, name: str) -> str:
        self._reads.add(("param", name))
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        self._reads.add(("param", ""))
        return iter(self._values)

    def __len__(self) -> int:
        self._reads.add(("param", ""))
        return len(self._values)
