"""Headers that may hold a secret are masked."""

import pytest

from florentin_webhooks import Receiver
from florentin_webhooks.inspector.header_capture import mask_headers, signature_headers
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
    (pair, *rest) = mask_headers([(b"x-" + b"n" * 5000, b"v" * 5000)] * 500)
    assert max(map(len, pair)) <= 203
    assert len(rest) < 100


def test_headers_of_a_delivery_hold_no_signature() -> None:
    made = Provider(SECRET).make("user.login")
    signature = made.headers["X-Florentin-Signature"]
    pairs = [(name.encode(), value.encode()) for name, value in made.headers.items()]
    assert signature not in repr(mask_headers(pairs))
