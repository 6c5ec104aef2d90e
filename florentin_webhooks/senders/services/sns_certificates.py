"""The certificates of Amazon SNS: downloaded once each, a few at a time, and never for nothing."""

from __future__ import annotations

from collections import deque
from datetime import timedelta
from http import HTTPStatus
from threading import Lock
from typing import TYPE_CHECKING
from urllib.error import HTTPError

from cryptography.exceptions import InvalidSignature as Mismatch
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509 import load_pem_x509_certificate

from florentin_webhooks.errors import InvalidSignature, Unavailable

if TYPE_CHECKING:
    from datetime import datetime

    from florentin_webhooks.senders.schemes.fetch import Fetch
    from florentin_webhooks.senders.services.sns_message import SignedMessage

__all__ = ["CertificateKey", "Certificates"]

MAX_CERTIFICATES = 16
"""The most certificates that are kept; Amazon has one for each region, and renews it yearly."""
MAX_DOWNLOADS = 10
PERIOD = timedelta(minutes=1)
"""The most downloads in a period: a request, which anyone can send, chooses the URL."""
MINIMUM_KEY = 2048
_HASHES = {"1": hashes.SHA1, "2": hashes.SHA256}


class CertificateKey:
    """The public key of a certificate, and the time in which it is valid."""

    __slots__ = ("_key", "_valid")

    def __init__(self, pem: bytes) -> None:
        certificate = load_pem_x509_certificate(pem)
        key = certificate.public_key()
        if not isinstance(key, RSAPublicKey) or key.key_size < MINIMUM_KEY:
            raise ValueError("not a key of RSA with 2048 bits")
        self._key = key
        self._valid = certificate.not_valid_before_utc, certificate.not_valid_after_utc

    def is_valid(self, now: datetime) -> bool:
        """Return whether the certificate is valid at *now*."""
        return self._valid[0] <= now <= self._valid[1]

    def verify(self, message: SignedMessage) -> None:
        """Raise :class:`InvalidSignature` unless *message* is signed by this key."""
        algorithm = _HASHES[message.version]()
        try:
            self._key.verify(message.signature, message.text(), PKCS1v15(), algorithm)
        except Mismatch:
            raise InvalidSignature("mismatch") from None


class Certificates:
    """The keys of certificates by their URL, which the caller has checked."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._keys: dict[str, CertificateKey] = {}
        self._downloads: deque[datetime] = deque(maxlen=MAX_DOWNLOADS)
        self._lock = Lock()

    def has(self, url: str) -> bool:
        """Return whether the certificate at *url* is known."""
        return url in self._keys

    def find(self, url: str, now: datetime) -> CertificateKey:
        """Return the key of the certificate at *url*, downloaded on first use.

        Raises :class:`InvalidSignature` where there is none that is valid at *now*, and
        :class:`Unavailable` where Amazon does not answer.
        """
        key = self._keys.get(url)
        if key is None:
            with self._lock:
                key = self._keys.get(url) or self._download(url, now)
        if not key.is_valid(now):
            raise InvalidSignature("mismatch")
        return key

    def fetch(self, url: str) -> bytes:
        """Return what is at *url*; raises :class:`Unavailable`."""
        try:
            return self._fetch(url)
        except OSError as error:
            raise Unavailable(
                f"Amazon SNS did not answer: {type(error).__name__}.",
                "Allow this program to connect to sns.<region>.amazonaws.com by HTTPS.",
            ) from error

    def _download(self, url: str, now: datetime) -> CertificateKey:
        self._limit(now)
        try:
            key = CertificateKey(self.fetch(url))
        except (ValueError, UnsupportedAlgorithm):
            raise InvalidSignature("mismatch") from None
        except Unavailable as error:
            if _is_refused(error.__cause__):  # There is no certificate at this URL.
                raise InvalidSignature("mismatch") from None
            raise
        if len(self._keys) >= MAX_CERTIFICATES:
            del self._keys[next(iter(self._keys))]
        self._keys[url] = key
        return key

    def _limit(self, now: datetime) -> None:
        is_full = len(self._downloads) == MAX_DOWNLOADS
        if is_full and abs(now - self._downloads[0]) < PERIOD:
            raise Unavailable(
                "Too many certificates of Amazon SNS were asked for.", "Wait for a minute."
            )
        self._downloads.append(now)


def _is_refused(error: BaseException | None) -> bool:
    return isinstance(error, HTTPError) and error.code < HTTPStatus.INTERNAL_SERVER_ERROR
