"""Headers that may hold a secret are masked."""

import asyncio

import pytest

from florentin_webhooks import Receiver
from florentin_webhooks.inspector.header_capture import (
    HeaderCapture,
    captured_headers,
    mask_headers,
    signature_headers,
)
from florentin_webhooks.senders import HMACSender
from florentin_webhooks.testing import Provider
from tests.support.inspected import SECRET


@pytest.mark.parametrize(
    "name",
    [
        "Authorization",
        "Cookie",
        "X-Florentin-Signature",
        "Stripe-Signature",
        "X-Shopify-Hmac-Sha256",
        "X-Gitlab-Token",
        "X-Api-Key",
        "X-Twilio-Email-Event-Webhook-Signature",
        "Content-Digest",
        "Proxy-Authenticate",
        "X-Session",
    ],
)
def test_value_of_a_private_header_is_masked(name: str) -> None:
    assert mask_headers([(name.encode(), b"private")]) == ((name, "masked, 7 characters"),)


@pytest.mark.parametrize("value", ["5e" * 32, "v1=" + "ab+/" * 11])
def test_signature_under_any_name_is_masked(value: str) -> None:
    masked = f"masked, {len(value)} characters"
    assert mask_headers([(b"X-Seal", value.encode())]) == (("X-Seal", masked),)


def test_short_signature_is_masked_by_the_name_of_its_sender() -> None:
    sender = HMACSender(name="Seal", signature_header="X-Seal", algorithm="sha1", encoding="base64")
    private = signature_headers([Receiver(SECRET, sender=sender), Receiver(SECRET)])
    assert private == {"x-seal"}
    masked = mask_headers([(b"X-SEAL", b"short"), (b"X-Seal-Count", b"1")], private)
    assert masked == (("X-SEAL", "masked, 5 characters"), ("X-Seal-Count", "1"))


def test_other_headers_are_shown() -> None:
    headers = [(b"Content-Type", b"application/json"), (b"X-Florentin-Event", b"user.login")]
    assert mask_headers(headers) == (
        ("Content-Type", "application/json"),
        ("X-Florentin-Event", "user.login"),
    )


def test_long_headers_are_cut() -> None:
    (pair, *rest) = mask_headers([(b"x-" + b"n" * 5000, b"v " * 2500)] * 500)
    assert pair == ("x-" + "n" * 198, "v " * 100 + "...")
    assert len(rest) < 100
    assert mask_headers([(b"x", b"v " * 100)]) == (("x", "v " * 100),)


@pytest.mark.parametrize("kind", ["http", "lifespan"])
def test_middleware_keeps_the_headers_of_a_request_alone(kind: str) -> None:
    seen: list[object] = []

    async def app(*given: object) -> None:
        seen.append((captured_headers(), given))

    async def receive() -> dict[str, object]:
        return {}

    async def send(_: object) -> None:
        pass

    sender = HMACSender(name="Seal", signature_header="X-Seal", algorithm="sha1", encoding="base64")
    scope = {"type": kind, "headers": [(b"x-seal", b"short"), (b"x-count", b"1")]}
    middleware = HeaderCapture(app, [Receiver(SECRET, sender=sender)])
    asyncio.run(middleware(scope, receive, send))
    kept = (("x-seal", "masked, 5 characters"), ("x-count", "1")) if kind == "http" else ()
    assert seen == [(kept, (scope, receive, send))]


def test_headers_of_a_delivery_hold_no_signature() -> None:
    made = Provider(SECRET).make("user.login")
    signature = made.headers["X-Florentin-Signature"]
    pairs = [(name.encode(), value.encode()) for name, value in made.headers.items()]
    assert signature not in repr(mask_headers(pairs))
