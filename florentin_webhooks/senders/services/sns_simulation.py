"""A simulated SNS, for tests and development: it signs with a key and a certificate of its own.

A program trusts it only where its receiver has this sender, since no other fetches the certificate.
"""

from __future__ import annotations

import os
from base64 import b64encode
from contextlib import suppress
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import NAMESPACE_OID, uuid5

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from florentin_webhooks.errors import ConfigurationError, InvalidSignature, MalformedDelivery
from florentin_webhooks.senders.base import Sample
from florentin_webhooks.senders.schemes.payload import read_json
from florentin_webhooks.senders.schemes.samples import encode
from florentin_webhooks.senders.services.sns import SNS, SNSScheme
from florentin_webhooks.senders.services.sns_message import TOPIC, read_message

if TYPE_CHECKING:
    from collections.abc import Mapping

    from florentin_webhooks.senders.services.sns_certificates import Certificates

__all__ = ["SimulatedSNS"]

_VALID = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_VERSION = "2"
_FIELDS = {"message": "Message", "subject": "Subject"}
"""What a sample takes of its data."""


class SimulatedSNS(SNS):
    """SNS without Amazon: pass it to the receiver under test and to a ``Provider``.

    Two processes, such as ``dev`` and ``trigger``, share the key in *key_file*, which is created
    on first use. Nothing is downloaded: certificate and confirmations are its own.
    """

    name = "Simulated SNS"

    def __init__(self, key_file: str | Path | None = None, *, confirm: bool = False) -> None:
        self._authority = _Authority(key_file)
        super().__init__(confirm=confirm, fetch=self._authority.fetch)

    def _build_scheme(self, topics: Mapping[str, str]) -> SNSScheme:
        return _SigningScheme(
            topics,
            self._versions,
            self._certificates,
            confirm=self._confirm,
            authority=self._authority,
        )

    def sample(
        self, event: str, data: Mapping[str, object], delivery_id: str, _time: datetime, /
    ) -> Sample:
        """Return a message with the ``message`` and ``subject`` of *data*."""
        given = {name: data[key] for key, name in _FIELDS.items() if key in data}
        number = _message_id(delivery_id)
        fields = {"Type": event, "MessageId": number, "Message": "A simulated message.", **given}
        return Sample(encode(fields), event)

    def restamp(self, body: bytes, _time: datetime) -> bytes:
        """Return *body*: a retry has the time of publication."""
        return body


class _SigningScheme(SNSScheme):
    __slots__ = ("_authority",)

    def __init__(
        self,
        topics: Mapping[str, str],
        versions: frozenset[str],
        certificates: Certificates,
        *,
        confirm: bool,
        authority: _Authority,
    ) -> None:
        super().__init__(topics, versions, certificates, confirm=confirm)
        self._authority = authority

    def sign_body(self, body: bytes, *, event: str, delivery_id: str, timestamp: datetime) -> bytes:
        """Return *body* with what is missing, signed; what is not a message is left as it is."""
        try:
            fields = self._complete(read_json(body), event, delivery_id, timestamp)
            message = read_message(fields)
        except (MalformedDelivery, InvalidSignature):
            return body
        signature = self._authority.sign(message.text())
        return encode({**fields, "Signature": b64encode(signature).decode()})

    def sign(
        self,
        body: bytes,
        *,
        event: str,
        delivery_id: str,
        timestamp: datetime,
        url: str | None = None,
    ) -> dict[str, str]:
        """Return the headers, none of which is signed."""
        del body, event, delivery_id, timestamp, url
        return {"Content-Type": "text/plain; charset=UTF-8"}

    def _complete(
        self, payload: Mapping[str, object], event: str, delivery_id: str, time: datetime
    ) -> dict[str, object]:
        topic = next(iter(self._topics))
        found = TOPIC.fullmatch(topic)
        host = f"https://sns.{found[1] if found else ''}.amazonaws.com"
        stamp = time.astimezone(UTC).isoformat(timespec="milliseconds")
        return {
            "Type": event,
            "MessageId": _message_id(delivery_id),
            "TopicArn": topic,
            "Message": "",
            "Timestamp": stamp.replace("+00:00", "Z"),
            "Token": "simulated",
            "SubscribeURL": f"{host}/?Action=ConfirmSubscription&Token=simulated",
            **payload,
            "SignatureVersion": _VERSION,
            "Signature": "",
            "SigningCertURL": f"{host}/SimpleNotificationService-simulated.pem",
        }


class _Authority:
    """A key and its certificate, which takes the place of Amazon's."""

    def __init__(self, key_file: str | Path | None) -> None:
        self._path = None if key_file is None else Path(key_file)

    @cached_property
    def _key(self) -> RSAPrivateKey:
        if self._path is None:
            return generate_private_key(65_537, 2048)
        if not self._path.exists():
            pem = generate_private_key(65_537, 2048).private_bytes(
                Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
            )
            with suppress(FileExistsError):  # Another process was quicker.
                _create(self._path, pem)
        key = load_pem_private_key(self._path.read_bytes(), password=None)
        if not isinstance(key, RSAPrivateKey):
            raise ConfigurationError(f"{self._path} has no key of RSA.", "Delete the file.")
        return key

    def sign(self, text: bytes) -> bytes:
        """Return the signature of *text*."""
        return self._key.sign(text, PKCS1v15(), hashes.SHA256())

    def fetch(self, url: str) -> bytes:
        """Return the certificate, or nothing for the URL that confirms a subscription."""
        return self._certificate if url.endswith(".pem") else b""

    @cached_property
    def _certificate(self) -> bytes:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "simulated SNS")])
        draft = x509.CertificateBuilder(name, name, self._key.public_key(), 1, *_VALID)
        return draft.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM)


def _create(path: Path, content: bytes) -> None:
    """Write a file that only its owner can read; raises FileExistsError."""
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        file.write(content)


def _message_id(delivery_id: str) -> str:
    return str(uuid5(NAMESPACE_OID, delivery_id))
