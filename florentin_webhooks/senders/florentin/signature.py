"""Sign and verify bytes the way Florentin does: HMAC-SHA256 over the raw body, in one header.

The scheme alone (documentation, "Webhooks & events"): it parses no body and reads no clock. Secrets
are kept only inside keyed HMAC contexts, so that no repr, pickle or traceback can show them.
"""

from __future__ import annotations

import re
from binascii import unhexlify
from datetime import UTC, datetime
from hmac import compare_digest
from typing import TYPE_CHECKING

from florentin_webhooks.errors import InvalidSignature
from florentin_webhooks.protocol.headers import HeaderMap, Headers, get_all
from florentin_webhooks.senders.base import Metadata
from florentin_webhooks.senders.schemes.format import SignatureFormat
from florentin_webhooks.senders.schemes.keys import HMACKey
from florentin_webhooks.senders.schemes.template import Template
from florentin_webhooks.senders.schemes.usual import Authenticate, Expected, compile_check
from florentin_webhooks.senders.secrets import Secrets, normalize_secrets

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "DELIVERY_ID_HEADER",
    "EVENT_HEADER",
    "SIGNATURE_HEADER",
    "TIMESTAMP_HEADER",
    "FlorentinSignature",
    "iso_timestamp",
]

EVENT_HEADER = "X-Florentin-Event"

SIGNATURE_HEADER = "X-Florentin-Signature"

TIMESTAMP_HEADER = "X-Florentin-Timestamp"

DELIVERY_ID_HEADER = "X-Florentin-Delivery-Id"

MAX_DELIVERY_ID = 200
"""The longest delivery id that is accepted."""

_EVENT_NAME = EVENT_HEADER.lower()
_SIGNATURE_NAME = SIGNATURE_HEADER.lower()
_DELIVERY_ID_NAME = DELIVERY_ID_HEADER.lower()
# Without the comma: WSGI servers join two delivery ids by one, and ASGI hands on both.
_is_visible = re.compile(rf"[!-+\--~]{{1,{MAX_DELIVERY_ID}}}").fullmatch

_PREFIX = "sha256="

_LENGTH = len(_PREFIX) + 64

_USUAL = SignatureFormat(
    signature_header=SIGNATURE_HEADER,
    prefix=_PREFIX,
    id_header=DELIVERY_ID_HEADER,
    event_header=EVENT_HEADER,
)
_BODY = Template.parse("{body}")


class FlorentinSignature:
    """Sign and verify with one or several secrets.

    *secrets* is one secret, a sequence, or a mapping of names to secrets, all of which are valid
    while you rotate; the first one signs. Raises :class:`ConfigurationError` for an empty or
    blank secret, since every attacker can compute an HMAC with an empty key.
    """

    __slots__ = ("_keys", "authenticate")

    authenticate: Authenticate
    """Returns the metadata of a request whose signature is valid; raises InvalidSignature.

    Its event and delivery id are unsigned.
    """

    def __init__(self, secrets: Secrets) -> None:
        self._keys = tuple((name, HMACKey(value)) for name, value in normalize_secrets(secrets))
        expected = [Expected(name, key, _PREFIX, _LENGTH) for name, key in self._keys]
        self.authenticate = compile_check(_USUAL, _BODY, expected, 1, self._check)

    def __repr__(self) -> str:
        return f"FlorentinSignature({', '.join(name for name, _ in self._keys)})"

    def sign(
        self,
        body: bytes,
        *,
        event: str,
        delivery_id: str,
        timestamp: datetime,
        url: str | None = None,
    ) -> dict[str, str]:
        """Return the headers that Florentin sends with *body*, signed with the first secret."""
        del url  # Florentin does not sign it.
        _, key = self._keys[0]
        return {
            EVENT_HEADER: event,
            SIGNATURE_HEADER: _PREFIX + key.sign((body,)).hex(),
            TIMESTAMP_HEADER: iso_timestamp(timestamp),
            DELIVERY_ID_HEADER: delivery_id,
        }

    def verify(self, headers: Headers, body: bytes) -> str:
        """Return the name of the secret that signed exactly these bytes.

        Raises only :class:`InvalidSignature`, for any value of the header. Every secret is tried,
        so that the time taken does not show which one matched.
        """
        return self._matching_secret(_only(get_all(headers, _SIGNATURE_NAME)), body)

    def _check(
        self, headers: Headers, body: bytes, received_at: datetime, _url: str | None = None, /
    ) -> Metadata:
        headers = headers if isinstance(headers, HeaderMap) else HeaderMap(headers)
        signatures, events, ids = headers.get_each(_SIGNATURE_NAME, _EVENT_NAME, _DELIVERY_ID_NAME)
        secret = self._matching_secret(_only(signatures), body)
        delivery_id = ids[0] if len(ids) == 1 and _is_visible(ids[0]) else None
        return Metadata(secret, received_at, delivery_id, _combine(events))

    def _matching_secret(self, signature: str, body: bytes) -> str:
        if len(signature) != _LENGTH or not signature.startswith(_PREFIX):
            raise InvalidSignature("malformed")
        try:
            # unhexlify, not bytes.fromhex, which skips white space inside the digits.
            claimed = unhexlify(signature[len(_PREFIX) :])
        except ValueError:
            raise InvalidSignature("malformed") from None
        matched = None
        for name, key in self._keys:
            context = key.copy()
            context.update(body)
            if compare_digest(context.finalize(), claimed):
                matched = name
        if matched is None:
            raise InvalidSignature("mismatch")
        return matched


def _only(signatures: Sequence[str]) -> str:
    if len(signatures) != 1:
        raise InvalidSignature("repeated" if signatures else "missing")
    return signatures[0]


def _combine(values: Sequence[str]) -> str | None:
    """Return the value of a header; different ones are joined (RFC 9110, 5.3)."""
    return ", ".join(dict.fromkeys(values)) if values else None


def iso_timestamp(value: datetime) -> str:
    """Format an aware *value* as Florentin does: UTC, milliseconds, ``Z``."""
    return value.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
