"""Senders that put id, time and signature into the body, as JSON."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from florentin_webhooks.errors import InvalidSignature, MalformedDelivery
from florentin_webhooks.senders.base import Retries
from florentin_webhooks.senders.schemes.payload import read_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from florentin_webhooks.protocol.event import Event

__all__ = ["BodySender", "read_unverified", "required_text"]


class BodySender:
    """A sender whose body has a signed id and a signed time; subclasses parse it."""

    name: str
    retries: Retries
    catalogue: Mapping[str, type[Event]] = MappingProxyType({})
    is_open = True
    signs_delivery_id = True
    signs_url = False
    success_status: int | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    @property
    def tolerance(self) -> timedelta:
        """How old a delivery may be by default."""
        return self.retries.tolerance

    @property
    def retention(self) -> timedelta:
        """How long a store remembers a finished delivery by default."""
        return self.retries.retention(signs_time=True)

    def retry_content(self, delivery_id: str | None, _body: bytes) -> bytes | None:
        """Return ``b""``: the signed id alone identifies a delivery."""
        return None if delivery_id is None else b""


def read_unverified(body: bytes) -> Mapping[str, object]:
    """Return the JSON object in *body*, which is not genuine yet.

    Parsed before it is verified, since the signature is in it: the size of a body is limited
    before, and its depth by the parser. Raises :class:`InvalidSignature`.
    """
    try:
        return read_json(body)
    except MalformedDelivery:
        raise InvalidSignature("malformed") from None


def required_text(fields: Mapping[str, object], name: str) -> str:
    """Return the text *name* of *fields*; raises :class:`InvalidSignature`."""
    value = fields.get(name)
    if not isinstance(value, str):
        raise InvalidSignature("missing" if value is None else "malformed")
    return value
