"""A sender under test: how it makes and signs deliveries."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from florentin_webhooks import Receiver
from florentin_webhooks.events import Event
from florentin_webhooks.senders.base import Sender, Signing, SigningBody

NOW = datetime(2026, 6, 6, 12, tzinfo=UTC)
URL = "https://shop.example/webhooks?tenant=1"


class Request(NamedTuple):
    headers: dict[str, str]
    body: bytes
    url: str = URL


@dataclass(frozen=True)
class SenderCase:
    """A sender with its *secrets*; *private* signs where *secrets* are public keys.

    *payload* is the body's JSON, *header* that of the signature, *signed_headers* further headers
    that the signature covers.
    """

    name: str
    sender: Sender
    secrets: Any  # Any: in every form that a receiver takes.
    header: str
    payload: Mapping[str, object]
    signed_headers: tuple[str, ...] = ()
    private: Any = None
    event: str = "invoice.paid"
    """The name of the event as handlers see it."""
    item: str = ""
    """The name of the event of an item, which handlers see where the body is a list."""
    header_event: str = "invoice.paid"
    """The name of the event as a header has it."""
    encode: Callable[[Mapping[str, object]], bytes] = lambda payload: json.dumps(payload).encode()
    delivery_id: str = "msg_2Lh9KRb0pzN4LePd3XiA4v12Axj"
    is_timed: bool = True
    """Whether a time is signed."""
    covers_body: bool = True
    """Whether the body is signed."""
    signed_fields: tuple[str, ...] = ()
    """Where the body holds what a header holds at others, as dotted paths."""
    stamp: Callable[[datetime], Mapping[str, object]] = lambda _sent: {}
    """Return the part of the body that holds the signed time, if it does."""
    other: Any = None
    """Another secret, where one of another spelling would not be a key."""
    signer: Callable[[bytes, datetime, str], bytes] | None = None
    """Return the signed body, where the sender has no scheme that signs."""

    def __str__(self) -> str:
        return self.name

    def receiver(
        self, now: datetime = NOW, **options: Any
    ) -> Receiver[object]:  # Any: options of it.
        return Receiver(self.secrets, sender=self.sender, clock=lambda: now, **options)

    def make(self, sent: datetime = NOW, delivery_id: str = "", **changes: object) -> Request:
        """Return a delivery that was signed at *sent*."""
        return self.sign(
            self.encode({**self.payload, **self.stamp(sent), **changes}), sent, delivery_id
        )

    def sign(
        self, body: bytes, sent: datetime = NOW, delivery_id: str = "", url: str = URL
    ) -> Request:
        number = delivery_id or self.delivery_id
        if self.signer:
            return Request({}, self.signer(body, sent, number))
        scheme, name = self.sender.scheme(self.private or self.secrets), self.header_event
        assert isinstance(scheme, Signing)
        if isinstance(scheme, SigningBody):
            body = scheme.sign_body(body, event=name, delivery_id=number, timestamp=sent)
        headers = scheme.sign(body, event=name, delivery_id=number, timestamp=sent, url=url)
        return Request(headers, body, url)

    def subscribe(self, receiver: Receiver[Any], handler: Callable[[Event], object]) -> None:
        """Register *handler* for the event of this case."""
        if self.event in self.sender.catalogue:
            receiver.on(self.event)(handler)
        else:
            receiver.on_unknown(handler)


def iso_time(sent: datetime) -> str:
    return sent.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def sign(sender: Sender, secret: str, body: bytes, url: str = URL) -> dict[str, str]:
    """Return the headers of *body*, signed with *secret* at NOW."""
    scheme = sender.scheme(secret)
    assert isinstance(scheme, Signing)
    return scheme.sign(body, event="", delivery_id="", timestamp=NOW, url=url)
