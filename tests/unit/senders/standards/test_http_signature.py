"""RFC 9421: its published example, what a signature must cover, keys and their algorithms."""

from __future__ import annotations

import sys
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from importlib import import_module
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from http_message_signatures import HTTPMessageSigner, HTTPSignatureKeyResolver, algorithms

from florentin_webhooks import Receiver
from florentin_webhooks.errors import ConfigurationError, InvalidSignature, StaleDelivery
from florentin_webhooks.senders import HTTPSignature
from florentin_webhooks.senders.standards.message_signatures import _Request
from tests.support.sender_case import sign as sign_as
from tests.support.senders import NOW, RAW_SECRET, URL
from tests.support.signing_keys import ED25519, P256

pytestmark = pytest.mark.one_process
BODY = b'{"type":"invoice.paid"}'
TEST_KEY = """-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAr4tmm3r20Wd/PbqvP1s2
+QEtvpuRaV8Yq40gjUR8y2Rjxa6dpG2GXHbPfvMs8ct+Lh1GH45x28Rw3Ry53mm+
oAXjyQ86OnDkZ5N8lYbggD4O3w6M6pAvLkhk95AndTrifbIFPNU8PPMO7OyrFAHq
gDsznjPFmTOtCEcN2Z1FpWgchwuYLPL+Wokqltd11nqqzi+bJ9cvSKADYdUAAN5W
Utzdpiy6LbTgSxP7ociU4Tn0g5I6aDZJ7A8Lzo0KSyZYoA485mqcO0GVAdVw9lq4
aOT9v6d+nb4bnNkQVklLQ3fVAvJm+xdDOp9LCNCN48V2pnDOkFV6+U9nV5oyc6XI
2wIDAQAB
-----END PUBLIC KEY-----
"""
EXAMPLE = {  # RFC 9421, appendix B.2.3.
    "Date": "Tue, 20 Apr 2021 02:07:55 GMT",
    "Content-Type": "application/json",
    "Content-Digest": "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNN"
    "yealdVLvRwEmTHWXvJwew==:",
    "Content-Length": "18",
    "Signature-Input": 'sig-b23=("date" "@method" "@path" "@query" "@authority" "content-type" '
    '"content-digest" "content-length");created=1618884473;keyid="test-key-rsa-pss"',
    "Signature": "sig-b23=:bbN8oArOxYoyylQQUU6QYwrTuaxLwjAC9fbY2F6SVWvh0yBiMIRGOnMYwZ/5MR6fb0Kh1rIR"
    "ASVxFkeGt683+qRpRRU5p2voTp768ZrCUb38K0fUxN0O0iC59DzYx8DFll5GmydPxSmme9v6ULbMFkl+V5B1TP/yPViV7"
    "KsLNmvKiLJH1pFkh/aYA2HXXZzNBXmIkoQoLd7YfW91kE9o/CCoC1xMy7JA1ipwvKvfrs65ldmlu9bpG6A9BmzhuzF8E"
    "im5f8ui9eH8LZH896+QIF61ka39VBrohr9iyMUJpvRX2Zbhl5ZJzSRxpJyoEZAFL2FUo5fTIztsDZKEgM4cUA==:",
}
EXAMPLE_URL = "https://example.com/foo?param=Value&Pet=dog"


class OneKey(HTTPSignatureKeyResolver):
    def __init__(self, key: bytes) -> None:
        self._key = key

    def resolve_private_key(self, key_id: str) -> bytes:
        assert key_id == "k"
        return self._key


def receiver(now: datetime = NOW, **options: Any) -> Receiver[object]:
    sender = HTTPSignature(**options)
    return Receiver(RAW_SECRET, sender=sender, clock=lambda: now)


def sign(
    covered: tuple[str, ...] = ("content-digest",),
    headers: dict[str, str] | None = None,
    secret: str = RAW_SECRET,
    **options: Any,
) -> dict[str, str]:
    """Return the headers that the package itself makes for BODY."""
    keys = OneKey(secret.encode())
    signer = HTTPMessageSigner(signature_algorithm=algorithms.HMAC_SHA256, key_resolver=keys)
    digest = b64encode(sha256(BODY).digest()).decode()
    request = _Request({"Content-Digest": f"sha-256=:{digest}:", **(headers or {})}, URL)
    options = {"created": NOW, "use_existing_digest": True, **options}
    signer.sign(request, key_id="k", covered_component_ids=covered, **options)
    return dict(request.headers)


def test_published_example_is_genuine() -> None:
    scheme = HTTPSignature(algorithm="rsa-pss-sha512").scheme(TEST_KEY)
    metadata = scheme.authenticate(EXAMPLE, b'{"hello": "world"}', NOW, EXAMPLE_URL)
    assert metadata.timestamp == datetime.fromtimestamp(1_618_884_473, UTC)
    for body, url in ((b'{"hello": "World"}', EXAMPLE_URL), (b'{"hello": "world"}', URL)):
        with pytest.raises(InvalidSignature):
            scheme.authenticate(EXAMPLE, body, NOW, url)


def test_signature_without_the_digest_is_refused() -> None:
    with pytest.raises(InvalidSignature):
        receiver().verify(sign(("@method", "@target-uri")), BODY, URL)


def test_digest_of_another_body_is_refused() -> None:
    headers = sign()
    for body in (b'{"type":"invoice.void"}', b""):
        with pytest.raises(InvalidSignature):
            receiver().verify(headers, body, URL)


def test_creation_time_is_required_and_judged() -> None:
    headers = sign()
    receiver(NOW + timedelta(minutes=5)).verify(headers, BODY, URL)
    with pytest.raises(StaleDelivery):
        receiver(NOW + timedelta(minutes=6)).verify(headers, BODY, URL)
    without = headers["Signature-Input"].replace(f"created={int(NOW.timestamp())};", "")
    with pytest.raises(InvalidSignature):
        receiver().verify(headers | {"Signature-Input": without}, BODY, URL)


@pytest.mark.parametrize(("minutes", "accepted"), [(-6, False), (-4, True), (60, True)])
def test_expired_signature_is_refused(minutes: int, accepted: bool) -> None:
    headers = sign(expires=NOW + timedelta(minutes=minutes))
    if accepted:
        receiver().verify(headers, BODY, URL)
        return
    with pytest.raises(InvalidSignature):
        receiver().verify(headers, BODY, URL)


def test_component_that_is_demanded_must_be_covered() -> None:
    headers = sign(("content-digest", "@authority"))
    receiver(covered=["@authority"]).verify(headers, BODY, URL)
    with pytest.raises(InvalidSignature):
        receiver(covered=["@target-uri"]).verify(headers, BODY, URL)
    with pytest.raises(InvalidSignature):
        receiver().verify(headers, BODY, None)


def test_covered_header_is_compared() -> None:
    headers = sign(("content-digest", "x-tenant"), {"X-Tenant": "one"})
    receiver().verify(headers, BODY, URL)
    with pytest.raises(InvalidSignature):
        receiver().verify(headers | {"X-Tenant": "two"}, BODY, URL)


def test_tag_selects_one_of_several_signatures() -> None:
    mine, other = sign(tag="mine", label="a"), sign(tag="other", label="b", secret="x" * 20)
    both = mine | {
        name: f"{other[name]}, {mine[name]}" for name in ("Signature", "Signature-Input")
    }
    receiver(tag="mine").verify(both, BODY, URL)
    for wrong in (receiver(), receiver(tag="other")):
        with pytest.raises(InvalidSignature):
            wrong.verify(both, BODY, URL)


def pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


RSA = pem(rsa.generate_private_key(65537, 2048))
KEYS = {
    "hmac-sha256": RAW_SECRET,
    "ed25519": ED25519.private,
    "ecdsa-p256-sha256": pem(ec.derive_private_key(3**100, ec.SECP256R1())),
    "ecdsa-p384-sha384": pem(ec.derive_private_key(3**100, ec.SECP384R1())),
    "rsa-pss-sha512": RSA,
}


@pytest.mark.parametrize("algorithm", [*KEYS, "rsa-v1_5-sha256"])
def test_algorithm_is_that_of_the_key_or_of_the_configuration(algorithm: str) -> None:
    secret = KEYS.get(algorithm, RSA)
    sender = HTTPSignature(algorithm=algorithm)  # type: ignore[arg-type]
    headers, explicit = sign_as(sender, secret, BODY), sender.scheme(secret)
    assert f'alg="{algorithm}"' in headers["Signature-Input"]
    assert explicit.authenticate(headers, BODY, NOW, URL).timestamp == NOW
    implied = HTTPSignature().scheme(secret)
    if algorithm in KEYS:
        assert implied.authenticate(headers, BODY, NOW, URL).timestamp == NOW
    else:
        with pytest.raises(InvalidSignature):
            implied.authenticate(headers, BODY, NOW, URL)


@pytest.mark.parametrize(
    ("algorithm", "secret"),
    [
        ("hmac-sha256", ED25519.public),
        ("ed25519", RAW_SECRET),
        ("ecdsa-p256-sha256", ED25519.public),
        ("rsa-pss-sha512", P256.public),
        (None, "-----BEGIN PUBLIC KEY-----\nQUJD\n-----END PUBLIC KEY-----\n"),
        (None, "short"),
    ],
)
def test_key_of_another_algorithm_is_a_configuration_error(
    algorithm: str | None, secret: str
) -> None:
    sender = HTTPSignature(algorithm=algorithm)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError) as found:
        sender.scheme(secret)
    assert secret not in str(found.value)


def test_unknown_algorithm_is_a_configuration_error() -> None:
    with pytest.raises(ConfigurationError, match="unknown"):
        HTTPSignature(algorithm="hs2019")  # type: ignore[arg-type]


def test_keys_are_in_no_repr() -> None:
    scheme = HTTPSignature().scheme({"mine": RAW_SECRET})
    assert RAW_SECRET not in repr(scheme)


def test_missing_package_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    module = "florentin_webhooks.senders.standards.message_signatures"
    monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "http_message_signatures", None)
    with pytest.raises(ModuleNotFoundError, match=r"florentin-webhooks\[http-signatures\]"):
        import_module(module)


def test_components_as_one_text_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="not several names"):
        HTTPSignature(covered="@method")
