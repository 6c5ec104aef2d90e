"""Standard Webhooks: the specification's own example, several signatures, both versions."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from florentin_webhooks import Receiver
from florentin_webhooks.errors import ConfigurationError, InvalidSignature
from florentin_webhooks.senders import StandardWebhooks, Svix
from florentin_webhooks.testing import Provider
from tests.support.senders import BASE64_SECRET, CASES, NOW, V1A

pytestmark = pytest.mark.one_process

# The example of Svix's documentation ("How to verify webhooks manually").
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"test": 2432232314}'
HEADERS = {
    "svix-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "svix-timestamp": "1614265330",
    "svix-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}
SENT = datetime.fromtimestamp(1614265330, UTC)

V1 = next(case for case in CASES if case.name == "standard_webhooks")
V1A_CASE = next(case for case in CASES if case.name == "standard_webhooks_v1a")


def test_published_example_is_genuine() -> None:
    scheme = Svix().scheme(SECRET)
    metadata = scheme.authenticate(HEADERS, BODY, NOW)
    assert (metadata.delivery_id, metadata.timestamp) == (HEADERS["svix-id"], SENT)


def test_published_example_under_the_standard_names_is_genuine_for_both() -> None:
    headers = {name.replace("svix", "webhook"): value for name, value in HEADERS.items()}
    for sender in (Svix(), StandardWebhooks()):
        assert sender.scheme(SECRET).authenticate(headers, BODY, NOW).timestamp == SENT


def test_names_of_svix_are_not_those_of_the_standard() -> None:
    with pytest.raises(InvalidSignature, match="missing"):
        StandardWebhooks().scheme(SECRET).authenticate(HEADERS, BODY, NOW)


def test_parts_of_both_sets_of_names_are_refused() -> None:
    mixed = {**HEADERS, "webhook-id": HEADERS["svix-id"]}
    del mixed["svix-id"]
    with pytest.raises(InvalidSignature):
        Svix().scheme(SECRET).authenticate(mixed, BODY, NOW)


def both(*, first: str = "") -> tuple[dict[str, str], bytes]:
    """Return a delivery that is signed with both versions, after the signatures in *first*."""
    old, new = V1.make(), V1A_CASE.make()
    signatures = [first, old.headers["webhook-signature"], new.headers["webhook-signature"]]
    headers = {**old.headers, "webhook-signature": " ".join(filter(None, signatures))}
    return headers, old.body


@pytest.mark.parametrize("secret", [BASE64_SECRET, BASE64_SECRET[6:], V1A["secrets"]])
@pytest.mark.parametrize("first", ["", "v1,AAAA", "v9,x", "v1a,AAAA v1,g0hM9SsE"])
def test_one_good_signature_of_several_is_enough(secret: str, first: str) -> None:
    hooks = Receiver(secret, sender=StandardWebhooks(), clock=lambda: NOW)
    assert hooks.verify(*both(first=first))[0].event == "invoice.paid"


def test_both_kinds_of_keys_serve_one_receiver() -> None:
    secrets = {"hmac": BASE64_SECRET, "ed25519": V1A["secrets"]}
    hooks = Receiver(secrets, sender=StandardWebhooks(), clock=lambda: NOW)
    names = [hooks.verify(*case.make()[:2])[0].secret for case in (V1, V1A_CASE)]
    assert names == ["hmac", "ed25519"]


def test_signature_under_the_name_of_another_version_is_refused() -> None:
    for case, version in ((V1, "v1a,"), (V1A_CASE, "v1,")):
        request = case.make()
        signature = request.headers["webhook-signature"].partition(",")[2]
        headers = {**request.headers, "webhook-signature": version + signature}
        with pytest.raises(InvalidSignature):
            case.receiver().verify(headers, request.body)


def test_key_may_have_any_bytes() -> None:
    ends_in_white_space = "whsec_" + b64encode(b"\t" + b"x" * 22 + b"\n").decode()
    hooks = Receiver(ends_in_white_space, sender=StandardWebhooks())
    assert hooks.identity.all_key_ids


@pytest.mark.parametrize("spelling", [str, lambda key: key.rstrip("="), lambda key: f"v1,{key}"])
def test_secret_is_read_as_other_dashboards_spell_it(spelling: Callable[[str], str]) -> None:
    key = "whsec_" + b64encode(b"a key of 23 bytes, here").decode()
    sender = StandardWebhooks()
    made = Provider(key, sender=sender, clock=lambda: NOW).make("invoice.paid")
    hooks = Receiver(spelling(key), sender=sender, clock=lambda: NOW)
    assert hooks.verify(made.headers, made.body)[0].event == "invoice.paid"


@pytest.mark.parametrize(
    "secret", ["whsec_!", "whsec_c2hvcnQ=", "whpk_c2hvcnQ=", "whsk_AAAA", "not base64 and long"]
)
def test_secret_of_another_spelling_is_refused(secret: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Receiver(secret, sender=StandardWebhooks())
    assert secret not in str(caught.value)
