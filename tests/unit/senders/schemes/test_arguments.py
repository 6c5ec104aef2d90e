"""An argument of a sender that has another type is a ConfigurationError which names it."""

from __future__ import annotations

from typing import Any

import pytest

from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.senders import (
    SNS,
    HMACSender,
    HTTPSignature,
    Mailgun,
    Square,
    StandardWebhooks,
    Twilio,
)

OWN = {"name": "Own", "signature_header": "X-Sig"}
TEXTS = ["signed", "encoding", "prefix", "separator", "time_prefix", "event_field", "id_field"]
SAID = {"encoding": "encoding 5", "secret_encoding": "encoding 5"}
WRONG: list[tuple[Any, dict[str, Any], str]] = [
    (HMACSender, {**OWN, name: 5}, SAID.get(name, f"{name} is of type int, not a text"))
    for name in (*OWN, *TEXTS, "time_field", "items_field", "secret_prefix", "secret_encoding")
] + [
    (HMACSender, {**OWN, "prefix": None}, "prefix is None, not a text. Pass prefix as a str or om"),
    (HMACSender, {**OWN, "algorithm": b"sha256"}, "algorithm is of type bytes, not a text"),
    (HMACSender, {**OWN, "algorithm": {"v1=": 256}}, "item of algorithm is of type int"),
    (HMACSender, {**OWN, "id_header": b"X-Id"}, "id_header is of type bytes, not a text"),
    (HMACSender, {**OWN, "retries": 60}, "retries is of type int, not a list of seconds"),
    (HMACSender, {**OWN, "retries": ("60",)}, "An item of retries is of type str"),
    (HMACSender, {**OWN, "restamped": "no"}, "Pass restamped=True or restamped=False"),
    (HTTPSignature, {"covered": b"@method"}, "covered is of type bytes, not a list of texts"),
    (HTTPSignature, {"covered": "@method"}, "is one text, not several names"),
    (HTTPSignature, {"covered": [b"@method"]}, "An item of covered is of type bytes"),
    (HTTPSignature, {"algorithm": ["ed25519"]}, "algorithm is of type list, not a text"),
    (HTTPSignature, {"tag": 5}, "tag is of type int, not a text"),
    (HTTPSignature, {"retries": (-1,)}, "not a time"),
    (Mailgun, {"accept_unsigned_payload": "no"}, "Pass accept_unsigned_payload=True or"),
    (SNS, {"confirm": "false"}, "confirm is of type str, not True or False"),
    (SNS, {"signature_versions": "2"}, "is one text, not several names"),
    (SNS, {"signature_versions": (2,)}, "An item of signature_versions is of type int"),
    (StandardWebhooks, {"event_field": None}, "event_field is None, not a text"),
    (Square, {"url": b"https://shop.example"}, "url is of type bytes, not a text"),
    (Twilio, {"algorithm": ["sha1"]}, "algorithm is of type list, not a text"),
]


@pytest.mark.parametrize(("sender", "arguments", "said"), WRONG)
def test_argument_of_another_type_is_named(
    sender: Any, arguments: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        sender(**arguments)
    assert said in str(caught.value)


def test_lists_of_any_kind_are_accepted() -> None:
    for delays in ([60], (60.5,), range(3), {60}):
        HMACSender(**OWN, retries=delays)  # type: ignore[arg-type]  # A set has no order.
    for covered in (["@method"], ("@method",), {"@method": 1}.keys()):
        HTTPSignature(covered=covered)  # type: ignore[arg-type]  # The same.
