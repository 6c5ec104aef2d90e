"""The senders under test: one line each, with a secret, a body and what is signed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from florentin_webhooks import Receiver
from florentin_webhooks.senders import GitHub, HMACSender, StandardWebhooks, Stripe, Svix
from florentin_webhooks.senders.base import Sender, Signing
from florentin_webhooks.senders.florentin.sender import FLORENTIN

NOW = datetime(2026, 6, 6, 12, tzinfo=UTC)
URL = "https://shop.example/webhooks?tenant=1"
BASE64_SECRET = "whsec_QUJDREVGR0hJSktMTU5PUFFSU1RVVldY"
RAW_SECRET = "a-secret-of-some-length"


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
    header_event: str = "invoice.paid"
    """The name of the event as a header has it."""
    encode: Callable[[Mapping[str, object]], bytes] = lambda payload: json.dumps(payload).encode()
    delivery_id: str = "msg_2Lh9KRb0pzN4LePd3XiA4v12Axj"
    is_timed: bool = True
    """Whether a time is signed."""

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

    def sign(self, body: bytes, sent: datetime = NOW, delivery_id: str = "") -> Request:
        scheme = self.sender.scheme(self.private or self.secrets)
        assert isinstance(scheme, Signing)
        headers = scheme.sign(
            body,
            event=self.header_event,
            delivery_id=delivery_id or self.delivery_id,
            timestamp=sent,
            url=URL,
        )
        return Request(headers, body)

    def stamp(self, sent: datetime) -> Mapping[str, object]:
        """Return the part of the body that holds the signed time, if it does."""
        if self.sender is FLORENTIN:
            return {"timestamp": sent.isoformat(timespec="milliseconds").replace("+00:00", "Z")}
        return {}


PAYLOAD = {"type": "invoice.paid", "data": {"amount": 5}}
STANDARD = ("webhook-id", "webhook-timestamp")
OWN = HMACSender(
    name="Own",
    signature_header="X-Own-Signature",
    signed="{id}.{timestamp}.{body}",
    encoding="base64",
    prefix="v1,",
    separator=" ",
    id_header="X-Own-Id",
    timestamp_header="X-Own-Time",
)
V1A = {
    "private": "whsk_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY=",
    "secrets": "whpk_" + "7dLdW0dSPuG0JqeXWHgW3VHt8SbX45Vdp+XI33IzdPw=",
}

CASES = [
    SenderCase(
        "florentin",
        FLORENTIN,
        RAW_SECRET,
        "X-Florentin-Signature",
        {"event": "invoice.paid", "data": {}},
    ),
    SenderCase(
        "standard_webhooks",
        StandardWebhooks(),
        BASE64_SECRET,
        "webhook-signature",
        PAYLOAD,
        STANDARD,
    ),
    SenderCase(
        "standard_webhooks_v1a",
        StandardWebhooks(),
        V1A["secrets"],
        "webhook-signature",
        PAYLOAD,
        STANDARD,
        V1A["private"],
    ),
    SenderCase(
        "svix", Svix(), BASE64_SECRET, "svix-signature", PAYLOAD, ("svix-id", "svix-timestamp")
    ),
    SenderCase("own", OWN, RAW_SECRET, "X-Own-Signature", PAYLOAD, ("X-Own-Id", "X-Own-Time")),
    SenderCase(
        "stripe",
        Stripe(),
        "whsec_test_secret_of_stripe",
        "Stripe-Signature",
        {"id": "evt_1", **PAYLOAD},
    ),
    SenderCase(
        "github",
        GitHub(),
        RAW_SECRET,
        "X-Hub-Signature-256",
        {"action": "opened", "pull_request": {}},
        event="pull_request.opened",
        is_timed=False,
        header_event="pull_request",
    ),
]
