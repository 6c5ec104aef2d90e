"""A topic of Amazon SNS that signs with a certificate of our own, by Amazon's documentation."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from email.message import Message
from functools import cache
from typing import Any
from urllib.error import HTTPError

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
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
def private_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@cache
def certificate() -> bytes:
    """Return a certificate that is valid in 2026."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    start = datetime(2026, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(name, name, private_key().public_key(), 1)
    dated = builder.not_valid_before(start).not_valid_after(start + timedelta(365))
    signed = dated.sign(private_key(), hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM)


def fetch(url: str) -> bytes:
    """Return the certificate at its URL; there is nothing at any other."""
    if url == CERTIFICATE_URL:
        return certificate()
    raise HTTPError(url, 403, "Forbidden", Message(), None)


def sign_fields(fields: dict[str, Any], version: str = "1") -> dict[str, Any]:  # Any: JSON.
    """Return *fields* with a signature, by the list of the documentation."""
    kind, names = fields["Type"], ["Message", "MessageId"]
    if kind == "Notification":
        names += ["Subject"] if "Subject" in fields else []
        names += ["Timestamp", "TopicArn", "Type"]
    else:
        names += ["SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    text = "".join(f"{name}\n{fields[name]}\n" for name in names)
    signature = private_key().sign(text.encode(), padding.PKCS1v15(), HASHES[version]())
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
