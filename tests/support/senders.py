"""The senders under test: one line each, with a secret, a body and what is signed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from florentin_webhooks import Receiver
from florentin_webhooks.events import Event
from florentin_webhooks.senders import (
    SNS,
    Discord,
    GitHub,
    HMACSender,
    Linear,
    Mailgun,
    Slack,
    StandardWebhooks,
    Stripe,
    Svix,
    Zoom,
)
from florentin_webhooks.senders.base import Sender, Signing, SigningBody
from florentin_webhooks.senders.florentin.sender import FLORENTIN
from tests.support import sns

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
    covers_body: bool = True
    """Whether the body is signed."""
    signed_fields: tuple[str, ...] = ()
    """Where the body holds what a header holds at others, as dotted paths."""
    stamp: Callable[[datetime], Mapping[str, object]] = lambda _sent: {}
    """Return the part of the body that holds the signed time, if it does."""
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

    def sign(self, body: bytes, sent: datetime = NOW, delivery_id: str = "") -> Request:
        number = delivery_id or self.delivery_id
        if self.signer:
            return Request({}, self.signer(body, sent, number))
        scheme, name = self.sender.scheme(self.private or self.secrets), self.header_event
        assert isinstance(scheme, Signing)
        if isinstance(scheme, SigningBody):
            body = scheme.sign_body(body, event=name, delivery_id=number, timestamp=sent)
        headers = scheme.sign(body, event=name, delivery_id=number, timestamp=sent, url=URL)
        return Request(headers, body)

    def subscribe(self, receiver: Receiver[Any], handler: Callable[[Event], object]) -> None:
        """Register *handler* for the event of this case."""
        if self.event in self.sender.catalogue:
            receiver.on(self.event)(handler)
        else:
            receiver.on_unknown(handler)


def iso_time(sent: datetime) -> str:
    return sent.isoformat(timespec="milliseconds").replace("+00:00", "Z")


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
DISCORD = {
    "private": "private:" + b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef".hex(),
    "secrets": "edd2dd5b47523ee1b426a797587816dd51edf126d7e3955da7e5c8df723374fc",
}

CASES = [
    SenderCase(
        "florentin",
        FLORENTIN,
        RAW_SECRET,
        "X-Florentin-Signature",
        {"event": "invoice.paid", "data": {}},
        stamp=lambda sent: {"timestamp": iso_time(sent)},
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
    SenderCase(
        "discord",
        Discord(),
        DISCORD["secrets"],
        "X-Signature-Ed25519",
        {"version": 1, "type": 1, "event": {"type": "LOBBY_MESSAGE_CREATE", "data": {"id": "7"}}},
        ("X-Signature-Timestamp",),
        DISCORD["private"],
        event="LOBBY_MESSAGE_CREATE",
    ),
    SenderCase(
        "linear",
        Linear(),
        RAW_SECRET,
        "Linear-Signature",
        {"type": "Issue", "action": "create", "data": {"title": "Typo"}},
        event="Issue.create",
        stamp=lambda sent: {"webhookTimestamp": int(sent.timestamp() * 1000)},
    ),
    SenderCase(
        "mailgun",
        Mailgun(),
        RAW_SECRET,
        "",
        {"event-data": {"event": "delivered", "id": "x"}},
        event="delivered",
        covers_body=False,
        signed_fields=("signature.timestamp", "signature.token", "signature.signature"),
    ),
    SenderCase(
        "slack",
        Slack(),
        RAW_SECRET,
        "X-Slack-Signature",
        {"type": "event_callback", "event_id": "Ev1", "event": {"type": "app_mention"}},
        ("X-Slack-Request-Timestamp",),
        event="app_mention",
    ),
    SenderCase(
        "sns",
        SNS(fetch=sns.fetch),
        sns.TOPIC,
        "",
        {"Type": "Notification", "Message": "paid"},
        event="Notification",
        delivery_id=sns.MESSAGE_ID,
        signed_fields=(*sns.SIGNED, "Signature", "SignatureVersion", "SigningCertURL"),
        signer=sns.sign,
    ),
    SenderCase(
        "zoom",
        Zoom(),
        RAW_SECRET,
        "x-zm-signature",
        {"event": "meeting.started", "payload": {"object": {"id": 1}}},
        ("x-zm-request-timestamp",),
        event="meeting.started",
    ),
]
