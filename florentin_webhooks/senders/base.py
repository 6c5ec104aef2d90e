"""The port of a sender: what the core must know of it, and nothing else.

Schemes differ in what they sign, so a part may be somewhere else or missing:

::

    signed time    in the body, in a header (Metadata.timestamp), or missing: then the time of
                   arrival replaces it, and nothing is stale
    signed id      optional: with signs_delivery_id, equal bodies under two ids are two deliveries
    event name     in the body, or in a header (Metadata.event)
    catalogue      may be empty: then every event is an UnknownEvent

One value describes one sender. The core calls it in this order: ``authenticate`` the bytes,
``parse`` them, look for a retry (``retry_content``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from florentin_webhooks.protocol.event import Event
    from florentin_webhooks.protocol.headers import Headers
    from florentin_webhooks.senders.secrets import Secrets

__all__ = [
    "DocumentsHeaders",
    "HeaderDocumentation",
    "Message",
    "Metadata",
    "Sender",
    "SignatureScheme",
]


class Metadata(NamedTuple):
    """What is known of a genuine delivery beside its body.

    *secret* is the name of the secret that matched, *received_at* the time of arrival. The others
    come from headers, and are evidence only where the signature covers them. A delivery that is
    restored from a store has the *delivery_id* that was stored.
    """

    secret: str
    received_at: datetime
    delivery_id: str | None = None
    event: str | None = None
    timestamp: datetime | None = None


class Message(NamedTuple):
    """What the signed bytes of a delivery mean.

    *envelope* is what the event's model validates: ``event``, ``timestamp`` and ``data``.
    """

    event: str
    timestamp: datetime
    envelope: Mapping[str, object]


class SignatureScheme(Protocol):
    """A signature scheme with its secrets."""

    def authenticate(self, headers: Headers, body: bytes, received_at: datetime) -> Metadata:
        """Return the metadata of a request whose signature is valid.

        Raises :class:`InvalidSignature`, in constant time and before anything is parsed.
        """
        ...


class Sender(Protocol):
    """A sender of webhooks, without its secrets."""

    @property
    def name(self) -> str:
        """The name of the sender in messages."""
        ...

    @property
    def catalogue(self) -> Mapping[str, type[Event]]:
        """The model of each documented event type; may be empty."""
        ...

    @property
    def signs_delivery_id(self) -> bool:
        """Whether the signature covers the delivery id, which is then part of the identity."""
        ...

    def scheme(self, secrets: Secrets) -> SignatureScheme:
        """Return the signature scheme for *secrets*.

        Raises :class:`ConfigurationError` for a secret that is too weak.
        """
        ...

    def parse(self, body: bytes, metadata: Metadata) -> Message:
        """Return what a genuine *body* means, of any age.

        Raises :class:`MalformedDelivery`, also where the signed bytes and a header disagree.
        """
        ...

    def retry_content(self, delivery_id: str | None, body: bytes) -> bytes | None:
        """Return what retries under *delivery_id* have in common: *body* without its time.

        None where a retry has the same bytes, or no id to recognise it by.
        """
        ...


class HeaderDocumentation(NamedTuple):
    """The documentation of a header: what it holds, and whether a delivery must have it."""

    description: str
    required: bool = False


@runtime_checkable
class DocumentsHeaders(Protocol):
    """A sender that documents its headers, for OpenAPI; optional."""

    @property
    def headers(self) -> Mapping[str, HeaderDocumentation]:
        """The documentation of each header by its name."""
        ...
