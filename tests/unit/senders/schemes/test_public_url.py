"""The URL as the sender knows it: what may be configured, and what it takes from a call."""

from __future__ import annotations

from typing import Any

import pytest

from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.senders import Square, Twilio
from florentin_webhooks.senders.schemes.public_url import PublicURL
from tests.support.senders import NOW


@pytest.mark.parametrize(
    ("configured", "called", "expected"),
    [
        (None, "http://a/b?c", "http://a/b?c"),
        (None, None, None),
        (
            "https://shop.example/hooks",
            "http://10.0.0.1/x?a=1&b",
            "https://shop.example/hooks?a=1&b",
        ),
        ("https://shop.example/hooks", "http://10.0.0.1/x", "https://shop.example/hooks"),
        ("https://shop.example/hooks", None, "https://shop.example/hooks"),
        (
            "https://shop.example/hooks?a=2",
            "http://10.0.0.1/x?a=1",
            "https://shop.example/hooks?a=2",
        ),
    ],
)
def test_configured_url_takes_the_query_of_the_call(
    configured: str | None, called: str | None, expected: str | None
) -> None:
    assert PublicURL.parse(configured).resolve(called) == expected


@pytest.mark.parametrize("sender", [Square, Twilio])
@pytest.mark.parametrize(
    "url",
    ["", "shop.example/hooks", "ftp://shop.example", "https://", "https://a b/", "https://a/#b"],
)
def test_url_that_is_not_absolute_is_a_configuration_error(
    sender: type[Square | Twilio], url: str
) -> None:
    with pytest.raises(ConfigurationError, match="absolute URL"):
        sender(url=url)


@pytest.mark.parametrize("sender", [Twilio(), Square()])
def test_delivery_without_its_url_cannot_be_signed(sender: Twilio | Square) -> None:
    scheme: Any = sender.scheme("a-secret-of-some-length-for-it")  # Any: with sign().
    with pytest.raises(ConfigurationError, match="The URL, which this sender signs, is missing"):
        scheme.sign(b"{}", event="", delivery_id="", timestamp=NOW)
