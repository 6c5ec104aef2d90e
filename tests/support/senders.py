"""The senders under test: one line each, with a secret, a body and what is signed."""

from __future__ import annotations

import json
from urllib.parse import urlencode

from florentin_webhooks.senders import (
    SNS,
    Discord,
    GitHub,
    HMACSender,
    HTTPSignature,
    Linear,
    Mailgun,
    Paddle,
    SendGrid,
    Shopify,
    Slack,
    Square,
    StandardWebhooks,
    Stripe,
    Svix,
    Twilio,
    Zoom,
)
from florentin_webhooks.senders.florentin.sender import FLORENTIN
from tests.support import sns
from tests.support.sender_case import NOW, URL, Request, SenderCase, iso_time
from tests.support.signing_keys import ED25519, P256

__all__ = ["BASE64_SECRET", "CASES", "NOW", "RAW_SECRET", "URL", "Request", "SenderCase"]

BASE64_SECRET = "whsec_QUJDREVGR0hJSktMTU5PUFFSU1RVVldY"
RAW_SECRET = "a-secret-of-some-length"
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
    SenderCase(
        "shopify",
        Shopify(),
        RAW_SECRET,
        "X-Shopify-Hmac-Sha256",
        {"id": 820982911946154508, "currency": "USD"},
        event="orders/paid",
        header_event="orders/paid",
        is_timed=False,
    ),
    SenderCase(
        "paddle",
        Paddle(),
        "pdl_ntfset_01gkpjp8bkm3tm53kdgkx6sms7_secret",
        "Paddle-Signature",
        {"event_id": "evt_1", "event_type": "transaction.paid", "data": {}},
        event="transaction.paid",
    ),
    SenderCase(
        "square",
        Square(),
        RAW_SECRET,
        "x-square-hmacsha256-signature",
        {"event_id": "ev_1", "type": "payment.created", "data": {}},
        event="payment.created",
        stamp=lambda sent: {"created_at": iso_time(sent)},
    ),
    SenderCase(
        "sendgrid",
        SendGrid(),
        P256.public,
        "X-Twilio-Email-Event-Webhook-Signature",
        {"event": "bounce", "sg_event_id": "x1"},
        ("X-Twilio-Email-Event-Webhook-Timestamp",),
        P256.private,
        other=P256.other,
        event="batch",
        item="bounce",
        encode=lambda payload: json.dumps([payload]).encode(),
    ),
    SenderCase(
        "twilio",
        Twilio(),
        RAW_SECRET,
        "X-Twilio-Signature",
        {"MessageSid": "SM1", "SmsStatus": "received", "Body": "Hi +1", "From": "+14158675309"},
        event="message.received",
        encode=lambda payload: urlencode(payload).encode(),
        is_timed=False,
    ),
    SenderCase(
        "http_signature",
        HTTPSignature(),
        RAW_SECRET,
        "Signature",
        PAYLOAD,
        ("Signature-Input", "Content-Digest"),
    ),
    SenderCase(
        "http_signature_ed25519",
        HTTPSignature(algorithm="ed25519"),
        ED25519.public,
        "Signature",
        PAYLOAD,
        ("Signature-Input", "Content-Digest"),
        ED25519.private,
        other=ED25519.other,
    ),
]
