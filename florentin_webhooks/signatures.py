"""Sign and verify bytes the way Florentin does: HMAC-SHA256 over the raw body, in one header.

The scheme alone (contract, "Webhooks"): it parses nothing, knows no clock and no event. Secrets
live on only inside keyed HMAC contexts, so that no repr, pickle or traceback can show them.
"""

from __future__ import annotations

from binascii import unhexlify
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from hmac import compare_digest

from cryptography.hazmat.primitives import hashes, hmac

from florentin_webhooks.errors import ConfigurationError, InvalidSignature
from florentin_webhooks.headers import Headers, find

__all__ = [
    "DELIVERY_ID_HEADER",
    "EVENT_HEADER",
    "MINIMUM_SECRET",
    "SIGNATURE_HEADER",
    "TIMESTAMP_HEADER",
    "FlorentinSignature",
    "Secrets",
    "iso_timestamp",
    "named_secrets",
    "shown_name",
]

EVENT_HEADER = "X-Florentin-Event"
SIGNATURE_HEADER = "X-Florentin-Signature"
TIMESTAMP_HEADER = "X-Florentin-Timestamp"
DELIVERY_ID_HEADER = "X-Florentin-Delivery-Id"

MINIMUM_SECRET = 16
"""The fewest bytes of a secret: 128 bits, if they were drawn at random."""

_SIGNATURE_NAME = SIGNATURE_HEADER.lower()
_PREFIX = "sha256="
_LENGTH = len(_PREFIX) + 64

Secret = str | bytes
Secrets = Secret | Sequence[Secret] | Mapping[str, Secret]


class FlorentinSignature:
    """Sign and verify with one or several secrets.

    *secrets* is one secret, a sequence, or a mapping of names to secrets, all of which are valid
    while you rotate; the first one signs. Raises :class:`ConfigurationError` for an empty or
    blank secret, since anybody can compute an HMAC with an empty key.
    """

    __slots__ = ("_keyed",)

    def __init__(self, secrets: Secrets) -> None:
        # Keying a context costs as much as hashing a small body, so it is done once: copy and
        # update take 0.6 of the time of a one-shot HMAC at 0.3 KB.
        self._keyed = tuple(
            (name, hmac.HMAC(secret, hashes.SHA256())) for name, secret in named_secrets(secrets)
        )

    def __repr__(self) -> str:
        return f"FlorentinSignature({', '.join(name for name, _ in self._keyed)})"

    def sign(
        self, body: bytes, *, event: str, delivery_id: str, timestamp: datetime
    ) -> dict[str, str]:
        """Give the headers that Florentin would send with *body*, signed with the first secret."""
        context = self._keyed[0][1].copy()
        context.update(body)
        return {
            EVENT_HEADER: event,
            SIGNATURE_HEADER: _PREFIX + context.finalize().hex(),
            TIMESTAMP_HEADER: iso_timestamp(timestamp),
            DELIVERY_ID_HEADER: delivery_id,
        }

    def verify(self, headers: Headers, body: bytes) -> str:
        """Give the name of the secret that signed exactly these bytes.

        Raises :class:`InvalidSignature` and nothing else, whatever the header holds. Every
        secret is tried, so that the time taken does not tell which one matched.
        """
        claimed = _claimed_digest(headers)
        matched = None
        for name, keyed in self._keyed:
            context = keyed.copy()
            context.update(body)
            if compare_digest(context.finalize(), claimed):
                matched = name
        if matched is None:
            raise InvalidSignature("mismatch")
        return matched


def named_secrets(secrets: Secrets) -> list[tuple[str, bytes]]:
    """Give each secret with its name: yours, or ``secret-1``, ``secret-2``, … in their order.

    Raises :class:`ConfigurationError` when there is none, or one is empty, blank or no text.
    """
    named = [(name, _secret_bytes(name, secret)) for name, secret in _each_secret(secrets)]
    if not named:
        message = "no secret is configured; pass the one from Florentin's webhook settings"
        raise ConfigurationError(message)
    return named


def shown_name(name: str) -> str:
    """Give *name* as an error may tell it: who swaps the two has given the secret as a name."""
    if len(name) < MINIMUM_SECRET or (name.isidentifier() and name.isupper()):
        return name  # Short, or an environment variable's.
    return "the secret of a long name (a mapping is {name: secret})"


def _each_secret(secrets: Secrets) -> Iterator[tuple[str, object]]:
    if isinstance(secrets, Mapping):
        yield from secrets.items()
        return
    several = secrets if isinstance(secrets, list | tuple) else [secrets]
    for number, secret in enumerate(several, 1):
        yield f"secret-{number}", secret


def _secret_bytes(name: str, secret: object) -> bytes:
    shown = shown_name(name)
    if not isinstance(secret, str | bytes):
        message = f"{shown} is {type(secret).__name__}; a secret is str or bytes"
        raise ConfigurationError(message)
    try:
        raw = secret.encode() if isinstance(secret, str) else secret
    except UnicodeEncodeError:  # Lone surrogates, as Python makes of an environment in Latin-1.
        message = f"{shown} is no text in UTF-8; is its environment variable in another encoding?"
        raise ConfigurationError(message) from None
    if not raw.strip():
        message = f"{shown} is empty or blank; is its environment variable set?"
        raise ConfigurationError(message)
    return raw


def iso_timestamp(moment: datetime) -> str:
    """Write an aware *moment* the way Florentin does: UTC, milliseconds, ``Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def _claimed_digest(headers: Headers) -> bytes:
    values = find(headers, _SIGNATURE_NAME)
    if len(values) != 1:
        raise InvalidSignature("repeated" if values else "missing")
    value = values[0]
    if len(value) != _LENGTH or not value.startswith(_PREFIX):
        raise InvalidSignature("malformed")
    try:
        # unhexlify, not bytes.fromhex, which skips white space inside the digits.
        return unhexlify(value[len(_PREFIX) :])
    except ValueError:
        raise InvalidSignature("malformed") from None
