"""Mailgun: what became of messages.

Source: https://documentation.mailgun.com/docs/mailgun/user-manual/events/webhooks and
https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, cast

from florentin_webhooks.errors import InvalidSignature, MalformedDelivery
from florentin_webhooks.senders.base import Message, Metadata, Retries, Sample, SignatureScheme
from florentin_webhooks.senders.schemes.arguments import require_flags
from florentin_webhooks.senders.schemes.body_sender import (
    BodySender,
    read_unverified,
    required_text,
)
from florentin_webhooks.senders.schemes.encodings import Encoding
from florentin_webhooks.senders.schemes.keys import HMACKey
from florentin_webhooks.senders.schemes.payload import check_name, field_at, find_time, read_json
from florentin_webhooks.senders.secrets import normalize_secrets, validate_strength
from florentin_webhooks.senders.services.mailgun_events import CATALOGUE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from florentin_webhooks.protocol.headers import Headers
    from florentin_webhooks.senders.secrets import Secrets

__all__ = ["Mailgun"]

# Ten digits, neither more nor fewer: no digit can move between time and token under one signature.
_TIME = re.compile(r"[0-9]{10}")
_TOKEN = re.compile(r"[0-9A-Za-z_-]{16,200}")


class _Claim(NamedTuple):
    timestamp: str
    token: str
    signature: str

    @property
    def time(self) -> datetime:
        return datetime.fromtimestamp(int(self.timestamp), UTC)


class Mailgun(BodySender):
    """Mailgun: time and token are signed, and **nothing else**; the body is not.

    A signature shows that Mailgun made a request at that time, not what it said. So ``event.data``
    is empty, and the name of the event may be forged by a party that can change requests on
    their way. With *accept_unsigned_payload* handlers receive the payload (``event-data``), typed.

    The token is the id of a delivery, so a captured signature is worth nothing again.
    """

    name = "Mailgun"
    # Whether each attempt has a time of its own is not documented.
    retries = Retries(
        (300, 600, 900, 3600, 7200, 14_400),
        restamped=False,
        source="https://documentation.mailgun.com/docs/mailgun/user-manual/events/webhooks",
    )
    success_status = 200  # Every other status but 406 is retried.

    def __init__(self, *, accept_unsigned_payload: bool = False) -> None:
        require_flags(accept_unsigned_payload=accept_unsigned_payload)
        self.accepts_payload = accept_unsigned_payload
        self.catalogue = CATALOGUE if accept_unsigned_payload else MappingProxyType({})

    def scheme(self, secrets: Secrets) -> SignatureScheme:
        """Return the scheme for *secrets*; raises :class:`ConfigurationError` for a weak one."""
        validate_strength(secrets)
        return _MailgunScheme(
            {name: HMACKey(secret) for name, secret in normalize_secrets(secrets)}
        )

    def parse(self, body: bytes, _metadata: Metadata) -> Message:
        """Return what a genuine *body* means; raises :class:`MalformedDelivery`."""
        payload = read_json(body)
        signed_at = _read_claim(payload).time
        name = check_name(field_at(payload, "event-data.event"), "event-data.event")
        data: object = {}
        time = signed_at
        if self.accepts_payload:
            data = payload["event-data"]
            time = find_time(field_at(payload, "event-data.timestamp")) or signed_at
        envelope = {"event": name, "timestamp": time, "data": data}
        return Message(name, time, envelope, signed_at)

    def sample(
        self, event: str, data: Mapping[str, object], delivery_id: str, time: datetime, /
    ) -> Sample:
        """Return the body of *event* with *data*."""
        facts = {"event": event, "id": delivery_id, "timestamp": time.timestamp(), **data}
        return Sample(json.dumps({"event-data": facts}).encode(), event)

    def restamp(self, body: bytes, _time: datetime) -> bytes:
        """Return *body* without its signature: a retry has another one."""
        payload = {name: value for name, value in read_json(body).items() if name != "signature"}
        return json.dumps(payload).encode()


class _MailgunScheme:
    __slots__ = ("_keys",)

    def __init__(self, keys: Mapping[str, HMACKey]) -> None:
        self._keys = keys

    def __repr__(self) -> str:
        return f"Mailgun({', '.join(self._keys)})"

    def authenticate(
        self, _headers: Headers, body: bytes, received_at: datetime, _url: str | None = None
    ) -> Metadata:
        """Return the metadata of a request whose signature is valid."""
        claim = _read_claim(read_unverified(body))
        try:
            signature = Encoding.HEX.decode(claim.signature)
        except ValueError:
            raise InvalidSignature("malformed") from None
        parts = claim.timestamp.encode(), claim.token.encode()
        matched = [name for name, key in self._keys.items() if key.verify(parts, signature)]
        if not matched:
            raise InvalidSignature("mismatch")
        return Metadata(matched[-1], received_at, claim.token, timestamp=claim.time)

    def sign_body(self, body: bytes, *, event: str, delivery_id: str, timestamp: datetime) -> bytes:
        """Return *body* with id, time and signature; one that is not an object is left as it is."""
        del event
        try:
            payload = read_json(body)
        except MalformedDelivery:
            return body
        stamp = str(int(timestamp.timestamp()))
        signature = next(iter(self._keys.values())).sign([stamp.encode(), delivery_id.encode()])
        signed = {"timestamp": stamp, "token": delivery_id, "signature": signature.hex()}
        return json.dumps({"signature": signed, **payload}).encode()

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
        return {"Content-Type": "application/json"}


def _read_claim(payload: Mapping[str, object]) -> _Claim:
    """Return what *payload* claims to be signed with; raises :class:`InvalidSignature`."""
    fields = payload.get("signature")
    if not isinstance(fields, dict):
        raise InvalidSignature("missing")
    names = "timestamp", "token", "signature"
    claim = _Claim(*(required_text(cast("dict[str, object]", fields), name) for name in names))
    if not (_TIME.fullmatch(claim.timestamp) and _TOKEN.fullmatch(claim.token)):
        raise InvalidSignature("malformed")
    return claim
