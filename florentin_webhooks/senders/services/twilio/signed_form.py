"""What Twilio signs: the URL, and a form sorted by the names of its fields.

Names and values have nothing between them, and a form has many spellings under one signature. So
the signed text itself identifies a delivery, and which of the two rules counts is decided by the
signed URL: a hash at its end, which no form can put there.
"""

from __future__ import annotations

import re
from contextlib import suppress
from hashlib import sha256
from hmac import compare_digest
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from florentin_webhooks.errors import InvalidSignature, MalformedDelivery
from florentin_webhooks.protocol.frozen import new_tuple
from florentin_webhooks.senders.base import Metadata, SignatureScheme, Signing
from florentin_webhooks.senders.schemes.payload import read_pairs
from florentin_webhooks.senders.schemes.public_url import require_url

if TYPE_CHECKING:
    from datetime import datetime

    from florentin_webhooks.protocol.headers import Headers

__all__ = ["FormScheme", "add_body_hash", "is_json", "read_fields"]

_HASH = re.compile(r"[?&]bodySHA256=([0-9a-f]{64})\Z")
_PORTS = {"https": 443, "http": 80}


def is_json(body: bytes) -> bool:
    """Return whether *body* is JSON and not a form, which begins with a name."""
    return body.startswith((b"{", b"["))


def read_fields(body: bytes) -> dict[str, list[str]]:
    """Return the values of each field of a form, sorted, each once, as they are signed.

    Raises :class:`MalformedDelivery`.
    """
    fields: dict[str, set[str]] = {}
    for name, value in read_pairs(body):
        fields.setdefault(name, set()).add(value)
    return {name: sorted(values) for name, values in fields.items()}


def add_body_hash(url: str, body: bytes) -> str:
    """Return the *url* that Twilio calls with a JSON *body*."""
    mark = "&" if "?" in url else "?"
    return f"{url}{mark}bodySHA256={sha256(body).hexdigest()}"


class FormScheme:
    """A scheme of URL and sorted form, given one of URL and body."""

    __slots__ = ("_scheme",)

    def __init__(self, scheme: SignatureScheme) -> None:
        self._scheme = scheme

    def authenticate(
        self, headers: Headers, body: bytes, received_at: datetime, url: str | None = None
    ) -> Metadata:
        """Return the metadata of a request whose signature is valid.

        Twilio signs some URLs with the default port, and some without.
        """
        if url is None:
            raise InvalidSignature("missing")
        rest, (plain, ported) = _signed_rest(url, body), _spellings(url)
        try:
            metadata = self._scheme.authenticate(headers, rest, received_at, plain)
        except InvalidSignature as error:
            if error.reason != "mismatch":
                raise
            metadata = self._scheme.authenticate(headers, rest, received_at, ported)
        digest = sha256(plain.encode() + rest).hexdigest()
        secret, _, _, event, timestamp = metadata
        return new_tuple(Metadata, (secret, received_at, digest[:32], event, timestamp))

    def sign(
        self,
        body: bytes,
        *,
        event: str,
        delivery_id: str,
        timestamp: datetime,
        url: str | None = None,
    ) -> dict[str, str]:
        """Return the headers that Twilio sends with *body* to *url*.

        With a JSON body it calls what :func:`add_body_hash` returns, which is signed.
        """
        url = require_url(url)
        if is_json(body):
            rest, url = b"", url if _HASH.search(url) else add_body_hash(url, body)
        else:
            rest = b""
            with suppress(MalformedDelivery):  # Another body is not signed, and will be refused.
                rest = _join_fields(body)
        return cast("Signing", self._scheme).sign(
            rest, event=event, delivery_id=delivery_id, timestamp=timestamp, url=url
        )


def _signed_rest(url: str, body: bytes) -> bytes:
    """Return what is signed after *url*; raises :class:`InvalidSignature`."""
    if is_json(body):
        found = _HASH.search(url)
        if not found or not compare_digest(found[1], sha256(body).hexdigest()):
            raise InvalidSignature("mismatch" if found else "malformed")
        return b""
    try:
        return _join_fields(body)
    except MalformedDelivery:
        raise InvalidSignature("malformed") from None


def _join_fields(body: bytes) -> bytes:
    """Return names and values of the form in *body*, sorted; nothing for an empty body."""
    # By name and then by value, each pair once, as read_fields has them.
    return "".join([name + value for name, value in sorted(set(read_pairs(body)))]).encode()


def _spellings(url: str) -> tuple[str, str]:
    """Return *url* without a port, and with one."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise InvalidSignature("malformed") from None
    if not parts.netloc:
        raise InvalidSignature("malformed")
    host = parts.netloc if port is None else parts.netloc.rpartition(":")[0]
    port = port or _PORTS.get(parts.scheme)
    before, _, after = url.partition(parts.netloc)
    return f"{before}{host}{after}", f"{before}{host}:{port}{after}"
