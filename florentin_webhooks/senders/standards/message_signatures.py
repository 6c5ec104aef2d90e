"""The scheme of RFC 9421: the only module that imports http-message-signatures."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from florentin_webhooks.errors import ConfigurationError, InvalidSignature
from florentin_webhooks.protocol.headers import HeaderMap, Headers
from florentin_webhooks.protocol.suggestions import missing_extra
from florentin_webhooks.senders.base import Metadata
from florentin_webhooks.senders.secrets import redact_name, validate_strength

try:
    from http_message_signatures import algorithms
    from http_message_signatures.exceptions import HTTPMessageSignaturesException
    from http_message_signatures.exceptions import InvalidSignature as Refused
    from http_message_signatures.resolvers import HTTPSignatureKeyResolver
    from http_message_signatures.signatures import HTTPMessageSigner, HTTPMessageVerifier
except ModuleNotFoundError as missing:
    library = "http-message-signatures"
    raise missing_extra(missing, "http_message_signatures", library, "http-signatures") from None

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ALGORITHMS", "MessageKey", "MessageScheme", "load_key"]

_NAMES = (
    *("HMAC_SHA256", "ED25519", "ECDSA_P256_SHA256", "ECDSA_P384_SHA384"),
    *("RSA_PSS_SHA512", "RSA_V1_5_SHA256"),
)
# By name, since the package does not export them for type checkers.
_CLASSES: list[Any] = [getattr(algorithms, name) for name in _NAMES]

ALGORITHMS: dict[str, Any] = {each.algorithm_id: each for each in _CLASSES}
"""The algorithms by their names in the RFC's registry."""

_SHARED = "hmac-sha256"
_P384 = 384
_PEM = b"-----BEGIN "
_LONGEST = 4096
_NAME = re.compile(r'"([a-z0-9_.!#$%&\'*+^`|~-]{1,64})"')
_SIGNED = ("@method", "@target-uri", "content-digest")
_LEEWAY = timedelta(minutes=5)


class MessageKey(NamedTuple):
    """What checks signatures of *algorithm*, and what makes them, None for a public key."""

    algorithm: str
    public: Any  # Any: each algorithm has keys of its own kind.
    private: Any = None

    def __repr__(self) -> str:
        return f"MessageKey({self.algorithm!r})"

    def material(self) -> bytes:
        """Return the public key in one form, or the shared secret."""
        if isinstance(self.public, bytes):
            return self.public
        der: bytes = self.public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return der


def load_key(name: str, secret: bytes, algorithm: str | None = None) -> MessageKey:
    """Return the key that *secret* spells; raises :class:`ConfigurationError`.

    Without an *algorithm* it is that of the key: HMAC for a text that is not PEM.
    """
    is_pem = _PEM in secret
    if not is_pem and algorithm in {None, _SHARED}:
        validate_strength({name: secret})
        return MessageKey(_SHARED, secret, secret)
    try:
        key = _load_pem(secret, algorithm)
        ALGORITHMS[key.algorithm](public_key=key.public, private_key=key.private)
    except (ValueError, TypeError, UnsupportedAlgorithm, HTTPMessageSignaturesException):
        raise ConfigurationError(
            f"{redact_name(name)} is not a key of {algorithm or 'a known algorithm'}.",
            "Pass the public key in PEM, or a shared secret for hmac-sha256.",
        ) from None
    return key


def _load_pem(secret: bytes, algorithm: str | None) -> MessageKey:
    private = load_pem_private_key(secret, password=None) if b"PRIVATE KEY" in secret else None
    public = private.public_key() if private else load_pem_public_key(secret)
    chosen = algorithm or _algorithm_of(public)
    if chosen == _SHARED:
        raise ValueError("a public key is not a shared secret")
    return MessageKey(chosen, public, private)


def _algorithm_of(public: object) -> str:
    if isinstance(public, ec.EllipticCurvePublicKey):
        return "ecdsa-p384-sha384" if public.curve.key_size == _P384 else "ecdsa-p256-sha256"
    if isinstance(public, rsa.RSAPublicKey):
        return "rsa-pss-sha512"
    if isinstance(public, ed25519.Ed25519PublicKey):
        return "ed25519"
    raise ValueError("a key of an unknown kind")


class _Keys(HTTPSignatureKeyResolver):
    """The one key that is tried: a request's ``keyid`` chooses nothing."""

    def __init__(self, key: MessageKey) -> None:
        self._key = key

    def resolve_public_key(self, key_id: str) -> Any:
        """Return the key."""
        del key_id
        return self._key.public

    def resolve_private_key(self, key_id: str) -> Any:
        """Return the key."""
        del key_id
        return self._key.private


def _instant(seconds: Any) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, TypeError, OverflowError, OSError):
        raise Refused("a time is out of range") from None


class _Request(NamedTuple):
    """A request as the package reads it. Mounts pass POST only."""

    headers: Mapping[str, str]
    url: str
    method: str = "POST"


class _Verifier(HTTPMessageVerifier):
    """A verifier whose age is judged by the receiver, by its own clock."""

    received_at = datetime.fromtimestamp(0, UTC)

    def validate_created_and_expires(self, sig_input: Any, max_age: Any = None) -> None:
        """Raise unless there is a creation time, and no end before the request came."""
        del max_age
        created, expires = (sig_input.params.get(name) for name in ("created", "expires"))
        if created is None:
            raise Refused("created is missing")
        _instant(created)
        if expires is not None and _instant(expires) < self.received_at - _LEEWAY:
            raise Refused("expired")


class MessageScheme:
    """Verify and sign with any of *keys*, each by its own algorithm; the first one signs."""

    __slots__ = ("_covered", "_keys", "_tag")

    def __init__(
        self,
        keys: Mapping[str, MessageKey],
        covered: tuple[str, ...] = (),
        tag: str | None = None,
    ) -> None:
        self._keys, self._covered, self._tag = dict(keys), covered, tag

    def __repr__(self) -> str:
        return f"MessageScheme({', '.join(self._keys)})"

    def authenticate(
        self, headers: Headers, body: bytes, received_at: datetime, url: str | None = None
    ) -> Metadata:
        """Return the metadata of a request whose signature is valid."""
        if url is None:
            raise InvalidSignature("missing")
        request = _Request(_covered_headers(headers), url)
        matched, created = "", None
        for name, key in self._keys.items():
            found = self._created(request, body, key, received_at)
            if found is not None:
                matched, created = name, found
        if created is None:
            raise InvalidSignature("mismatch")
        return Metadata(matched, received_at, timestamp=created)

    def _created(
        self, request: _Request, body: bytes, key: MessageKey, received_at: datetime
    ) -> datetime | None:
        """Return when the signature was made, None where *key* did not make it."""
        algorithm = ALGORITHMS[key.algorithm]
        verifier: Any = _Verifier(signature_algorithm=algorithm, key_resolver=_Keys(key))
        verifier.received_at = received_at
        try:
            found = verifier.verify(
                request, expect_tag=self._tag, require_components=self._covered, body=body
            )
        except HTTPMessageSignaturesException:
            return None
        return min(_instant(each.parameters["created"]) for each in found)

    def sign(
        self,
        body: bytes,
        *,
        event: str,
        delivery_id: str,
        timestamp: datetime,
        url: str | None = None,
    ) -> dict[str, str]:
        """Return the headers that a sender sends with *body*, signed with the first key."""
        del event, delivery_id
        name, key = next(iter(self._keys.items()))
        algorithm = ALGORITHMS[key.algorithm]
        signer: Any = HTTPMessageSigner(signature_algorithm=algorithm, key_resolver=_Keys(key))
        request, covered = _Request({}, url or ""), dict.fromkeys((*_SIGNED, *self._covered))
        signer.sign(
            request,
            key_id=name,
            created=timestamp,
            covered_component_ids=tuple(covered),
            tag=self._tag,
            body=body,
        )
        return dict(request.headers)


def _covered_headers(headers: Headers) -> dict[str, str]:
    """Return the signature's headers, and those that it names."""
    headers = headers if isinstance(headers, HeaderMap) else HeaderMap(headers)
    values = [headers.get_all(name) for name in ("signature", "signature-input")]
    signature, covers = (each[0] if len(each) == 1 else "" for each in values)
    if not signature or not covers:
        raise InvalidSignature("repeated" if any(values) else "missing")
    if max(len(signature), len(covers)) > _LONGEST:
        raise InvalidSignature("malformed")
    found = {"signature": signature, "signature-input": covers}
    for name in _NAME.findall(covers):
        if lines := headers.get_all(name):
            found[name] = ", ".join(lines)
    return found
