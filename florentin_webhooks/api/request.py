"""Requests to the API and replies of it, as values: no library of HTTP is needed for them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Generic, NamedTuple, TypeVar
from urllib.parse import quote

from florentin_webhooks.errors import APIError
from florentin_webhooks.protocol.event import OpenModel

__all__ = ["APIReply", "APIRequest", "ModelT", "fields_of", "path_of"]

ModelT = TypeVar("ModelT", bound=OpenModel)

SAFE = frozenset({"GET"})
"""Methods that change nothing."""


class APIReply(NamedTuple):
    """What the API has answered; *headers* have names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class APIRequest(Generic[ModelT]):
    """A request whose reply holds a *model*.

    *key_field* is the field of the body that makes the request safe to repeat, where the API
    documents one: ``idempotency_key`` or ``request_id``. The repr leaves the values out.
    """

    method: str
    path: str
    model: type[ModelT]
    query: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    body: Mapping[str, object] | None = field(default=None, repr=False)
    key_field: str = ""

    @property
    def name(self) -> str:
        """The method and the path, for messages."""
        return f"{self.method} {self.path}"

    @property
    def can_repeat(self) -> bool:
        """Whether sending it twice has the effect of sending it once."""
        return self.method in SAFE or bool(self.key_field and self.key)

    @property
    def key(self) -> str:
        """The value of its key field, empty without one."""
        return str((self.body or {}).get(self.key_field) or "") if self.key_field else ""

    def with_key(self, key: str) -> APIRequest[ModelT]:
        """Return the request with *key* in its key field."""
        return replace(self, body={**(self.body or {}), self.key_field: key})

    def at_page(self, number: int) -> APIRequest[ModelT]:
        """Return the request of another page of the same list."""
        return replace(self, query={**self.query, "page": str(number)})

    @property
    def content(self) -> bytes:
        """The bytes of its body, empty without one."""
        return b"" if self.body is None else json.dumps(self.body, sort_keys=True).encode()


def path_of(*parts: str) -> str:
    """Return the path of *parts*, each quoted. Raises :class:`APIError` for an empty part."""
    for part in parts:
        if part in (None, "", ".", ".."):  # Ids in events may be None.
            raise APIError(
                f"{part!r} is not an id, so /{'/'.join(map(str, parts))} is not a path of the API.",
                "Pass the id of an object, such as customer.id.",
            )
    return "/" + "/".join(quote(part, safe="") for part in parts)


def fields_of(**fields: str) -> dict[str, str]:
    """Return *fields* without the empty ones, which the API is not sent."""
    return {name: value for name, value in fields.items() if value}
