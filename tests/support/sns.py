"""A topic of Amazon SNS that signs with a certificate of our own, by Amazon's documentation."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.message import Message
from functools import cache
from types import MappingProxyType
from typing import Any
from urllib.error import HTTPError

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

TOPIC = "arn:aws:sns:eu-west-1:123456789012:invoices"
MESSAGE_ID = "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324"
CERTIFICATE_URL = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0.pem"
CONFIRM_URL = (
    f"https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=2336"
)
SIGNED = ("Message", "MessageId", "Timestamp", "TopicArn", "Type")
HASHES = {"1": hashes.SHA1, "2": hashes.SHA256}


@cache
def private_key(kind: str) -> rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey:
    """Return the key of "amazon", or an "other" one, a "small" one or one of "ec"."""
    if kind == "ec":
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(65537, 1024 if kind == "small" else 2048)


@cache
def certificate(kind: str) -> bytes:
    """Return a certificate that is valid in 2026."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    key, start = private_key(kind), datetime(2026, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1)
    dated = builder.not_valid_before(start).not_valid_after(start + timedelta(365))
    return dated.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def refusal(status: int) -> HTTPError:
    return HTTPError("", status, "refused", Message(), None)


class Amazon:
    """A network that has *answers*, and the URLs that were *fetched* from it."""

    def __init__(self, answers: Mapping[str, bytes | OSError] = MappingProxyType({})) -> None:
        self.answers = {CERTIFICATE_URL: certificate("amazon"), **answers}
        self.fetched = list[str]()

    def fetch(self, url: str) -> bytes:
        """Return what is at *url*, or raise it; there is nothing at any other URL."""
        self.fetched.append(url)
        answer = self.answers.get(url, refusal(403))
        if isinstance(answer, OSError):
            raise answer
        return answer


def fetch(url: str) -> bytes:
    """Return the certificate at its URL."""
    return Amazon().fetch(url)


def sign_fields(fields: dict[str, Any], version: str = "1") -> dict[str, Any]:  # Any: JSON.
    """Return *fields* with a signature, by the list of the documentation."""
    kind, names = fields["Type"], ["Message", "MessageId"]
    if kind == "Notification":
        names += ["Subject"] if "Subject" in fields else []
        names += ["Timestamp", "TopicArn", "Type"]
    else:
        names += ["SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    text = "".join(f"{name}\n{fields[name]}\n" for name in names)
    key = private_key("amazon")
    assert isinstance(key, rsa.RSAPrivateKey)
    signature = key.sign(text.encode(), padding.PKCS1v15(), HASHES[version]())
    return {
        **fields,
        "SignatureVersion": version,
        "Signature": b64encode(signature).decode(),
        "SigningCertURL": CERTIFICATE_URL,
    }


def sign(body: bytes, sent: datetime, message_id: str = MESSAGE_ID, version: str = "1") -> bytes:
    """Return the message that *body* begins, completed and signed; another body as it is."""
    try:
        fields = json.loads(body)
        kind = fields["Type"]
    except (ValueError, TypeError, KeyError):
        return body
    time = sent.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    common = {"MessageId": message_id, "TopicArn": TOPIC, "Message": "", "Timestamp": time}
    if kind != "Notification":
        common |= {"SubscribeURL": CONFIRM_URL, "Token": "2336"}
    return json.dumps(sign_fields({**common, **fields}, version)).encode()
