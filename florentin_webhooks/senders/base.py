"""The port of a sender: what the core must know of it, and nothing else.

Senders differ in what they sign, so each part is declared with its place, and the core derives
from that what it may believe:

::

    signed time    in the body or in a header: Message.signed_at. Without one nothing is stale, and
                   the memory of the store is the only guard: see Sender.retention
    signed id      in a header (signs_delivery_id), or in the body (Message.delivery_id): deliveries
                   with one id are one delivery, although their bytes differ
    event name     in the body, or in a header (Metadata.event), which few senders sign
    catalogue      the models of documented events; is_open: others may be subscribed to, too

One value describes one sender. The core calls it in this order: ``authenticate`` the bytes,
``parse`` them, ask a sender that expects an answer of its own for it (``answer``), look for a retry
(``retry_content``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from florentin_webhooks.senders.values import (
    Answer,
    HeaderDocumentation,
    Message,
    Metadata,
    Retries,
    Sample,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime, timedelta

    from florentin_webhooks.protocol.event import Event
    from florentin_webhooks.protocol.headers import Headers
    from florentin_webhooks.senders.secrets import Secrets

__all__ = [
    "Acknowledged",
    "Answer",
    "Answering",
    "DocumentsHeaders",
    "HeaderDocumentation",
    "Message",
    "Metadata",
    "Preparing",
    "Retries",
    "Retrying",
    "Sample",
    "Sampling",
    "Sender",
    "SignatureScheme",
    "Signing",
    "SigningBody",
]


@runtime_checkable
class SigningBody(Protocol):
    """A scheme whose sender puts the signature into the body; optional.

    Tools call this first, and then ``sign`` with the result, for the headers.
    """

    def sign_body(self, body: bytes, *, event: str, delivery_id: str, timestamp: datetime) -> bytes:
        """Return *body*, which is what the sender has to say, with id, time and signature."""
        ...


class SignatureScheme(Protocol):
    """A signature scheme with its secrets."""

    def authenticate(
        self, headers: Headers, body: bytes, received_at: datetime, url: str | None = None, /
    ) -> Metadata:
        """Return the metadata of a request whose signature is valid.

        *url* is the one that the sender called, for schemes that sign it. Raises
        :class:`InvalidSignature`, in constant time and before anything is parsed.
        """
        ...


@runtime_checkable
class Preparing(Protocol):
    """A scheme that must do I/O before it can check some signatures; optional."""

    def prepare(self, body: bytes, received_at: datetime, /) -> Callable[[], object] | None:
        """Return blocking work to do before ``authenticate``, such as fetching a key.

        None where nothing is missing. Both may raise :class:`InvalidSignature`, and the work
        :class:`Unavailable`. Without it, ``authenticate`` does the same and blocks.
        """
        ...


@runtime_checkable
class Answering(Protocol):
    """A scheme whose sender expects answers of its own; optional."""

    def answer(self, body: bytes, message: Message, secret: str, /) -> Answer | None:
        """Return the answer to a genuine *message* that is not an event, None for an event.

        *secret* is the name of the secret that matched. Pure: I/O belongs into the answer's work.
        """
        ...


@runtime_checkable
class Signing(Protocol):
    """A scheme that can sign as its sender does, for tests and tools; optional."""

    def sign(
        self,
        body: bytes,
        *,
        event: str,
        delivery_id: str,
        timestamp: datetime,
        url: str | None = None,
    ) -> dict[str, str]:
        """Return the headers that the sender sends with *body*, signed with the first secret."""
        ...


@runtime_checkable
class Sampling(Protocol):
    """A sender that can write bodies, for tests and tools; optional."""

    def sample(
        self, event: str, data: Mapping[str, object], delivery_id: str, time: datetime, /
    ) -> Sample:
        """Return the body of *event* with *data*, as handlers will see both."""
        ...

    def restamp(self, body: bytes, time: datetime) -> bytes:
        """Return the *body* of a retry at *time*: the same one, unless it holds the time."""
        ...


@runtime_checkable
class Acknowledged(Protocol):
    """A sender that takes one status alone for success; optional."""

    @property
    def success_status(self) -> int | None:
        """The status of every successful reply, None for the usual ones; 204 has no body."""
        ...


@runtime_checkable
class Retrying(Protocol):
    """A sender that carries its schedule of retries, for tools that play it; optional."""

    @property
    def retries(self) -> Retries:
        """The seconds between its attempts."""
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
    def is_open(self) -> bool:
        """Whether handlers may subscribe to names that are missing from the catalogue."""
        ...

    @property
    def signs_delivery_id(self) -> bool:
        """Whether the signature covers the delivery id, which is then part of the identity."""
        ...

    @property
    def signs_url(self) -> bool:
        """Whether the signature covers the URL, which mounts then pass in."""
        ...

    @property
    def tolerance(self) -> timedelta:
        """How old a delivery may be by default, so that each documented retry gets through."""
        ...

    @property
    def retention(self) -> timedelta:
        """How long a store remembers a finished delivery by default."""
        ...

    def scheme(self, secrets: Secrets) -> SignatureScheme:
        """Return the signature scheme for *secrets*.

        Raises :class:`ConfigurationError` for a secret that is too weak.
        """
        ...

    def parse(self, body: bytes, metadata: Metadata, /) -> Message:
        """Return what a genuine *body* means, of any age.

        Raises :class:`MalformedDelivery`, also where the signed bytes and a header disagree.
        """
        ...

    def retry_content(self, delivery_id: str | None, body: bytes, /) -> bytes | None:
        """Return what retries under *delivery_id* have in common: *body* without its time.

        Nothing (``b""``) where the id is signed, since it alone identifies a delivery. None where a
        retry has the same bytes, or no id to recognise it by.
        """
        ...


@runtime_checkable
class DocumentsHeaders(Protocol):
    """A sender that documents its headers, for OpenAPI; optional."""

    @property
    def headers(self) -> Mapping[str, HeaderDocumentation]:
        """The documentation of each header by its name."""
        ...
