"""The senders' own packages, each called as its documentation does, in a program under Starlette.

A call takes the headers as Starlette has them, the body and the URL. It returns what the package
does; False, or an exception of the package, refuses.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from starlette.datastructures import Headers

from benchmarks.senders import EVENT, JSON, SIGNATURE
from tests.support.senders import BASE64_SECRET, RAW_SECRET
from tests.support.signing_keys import P256

__all__ = ["PACKAGES", "Call", "Verify"]

Verify = Callable[[Headers, bytes, str], object]

# The packages are installed for `make bench` only, and some have no types.
# ruff: noqa: PLC0415


class Call(NamedTuple):
    """A *call* of the package of *sender*, and which part of ours does the same."""

    sender: str
    call: str
    part: str
    make: Callable[[], Verify]
    is_documented: bool = True
    """Whether the package's documentation has this call for a webhook."""


def _construct_event() -> Verify:
    import stripe

    secret = "whsec_test_secret_of_stripe"
    return lambda headers, body, _: stripe.Webhook.construct_event(
        body, headers["stripe-signature"], secret
    )


def _verify_header() -> Verify:
    import stripe

    secret = "whsec_test_secret_of_stripe"
    return lambda headers, body, _: stripe.WebhookSignature.verify_header(
        body, headers["stripe-signature"], secret, 300
    )


def _standard_webhooks() -> Verify:
    from standardwebhooks import Webhook

    verify = Webhook(BASE64_SECRET).verify
    return lambda headers, body, _: verify(body, headers)  # type: ignore[arg-type]


def _standard_signature() -> Verify:
    from standardwebhooks import Webhook

    verify = Webhook(BASE64_SECRET).verify
    return lambda headers, body, _: verify(body, headers, json_parse=False)  # type: ignore[arg-type]


def _svix() -> Verify:
    from svix import Webhook

    verify = Webhook(BASE64_SECRET).verify
    return lambda headers, body, _: verify(body, headers)  # type: ignore[arg-type]


def _from_http() -> Verify:
    from gidgethub.sansio import Event

    read = Event.from_http
    return lambda headers, body, _: read(headers, body, secret=RAW_SECRET)


def _validate_event() -> Verify:
    from gidgethub.sansio import validate_event

    return lambda headers, body, _: validate_event(
        body, signature=headers["x-hub-signature-256"], secret=RAW_SECRET
    )


def _slack() -> Verify:
    from slack_sdk.signature import SignatureVerifier

    verify = SignatureVerifier(RAW_SECRET).is_valid_request
    return lambda headers, body, _: verify(body, headers)  # type: ignore[arg-type]


def _twilio() -> Verify:
    from twilio.request_validator import RequestValidator

    validate: Any = RequestValidator(RAW_SECRET).validate

    def verify(headers: Headers, body: bytes, url: str) -> object:
        form = dict(parse_qsl(body.decode(), keep_blank_values=True))
        return validate(url, form, headers["x-twilio-signature"])

    return verify


def _square() -> Verify:
    from square.utils.webhooks_helper import verify_signature

    return lambda headers, body, url: verify_signature(
        request_body=body.decode(),
        signature_header=headers["x-square-hmacsha256-signature"],
        signature_key=RAW_SECRET,
        notification_url=url,
    )


def _sendgrid() -> Verify:
    from sendgrid.helpers.eventwebhook import EventWebhook

    check: Any = EventWebhook(P256.public).verify_signature
    prefix = "x-twilio-email-event-webhook"
    return lambda headers, body, _: check(
        body.decode(), headers[f"{prefix}-signature"], headers[f"{prefix}-timestamp"]
    )


PACKAGES = [
    Call("stripe", "Webhook.construct_event", EVENT, _construct_event),
    Call("stripe", "WebhookSignature.verify_header", SIGNATURE, _verify_header, False),
    Call("standard_webhooks", "Webhook.verify", JSON, _standard_webhooks),
    Call(
        "standard_webhooks",
        "Webhook.verify(json_parse=False)",
        SIGNATURE,
        _standard_signature,
        False,
    ),
    Call("svix", "Webhook.verify, which returns nothing", SIGNATURE, _svix),
    Call("github", "sansio.Event.from_http", JSON, _from_http),
    Call("github", "sansio.validate_event", SIGNATURE, _validate_event, False),
    Call("slack", "SignatureVerifier.is_valid_request", SIGNATURE, _slack),
    Call("twilio", "RequestValidator.validate, and parse_qsl", SIGNATURE, _twilio),
    Call("square", "webhooks_helper.verify_signature", SIGNATURE, _square),
    Call("sendgrid", "EventWebhook.verify_signature", SIGNATURE, _sendgrid),
]
