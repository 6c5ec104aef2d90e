"""The scheme of a sender that signs a template: verify and sign, with any kind of key."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from florentin_webhooks.errors import InvalidSignature, MalformedDelivery
from florentin_webhooks.protocol.frozen import new_tuple
from florentin_webhooks.senders.base import Metadata
from florentin_webhooks.senders.schemes.format import SignatureClaim, SignatureFormat, read_claim
from florentin_webhooks.senders.schemes.public_url import require_url
from florentin_webhooks.senders.schemes.template import SignedParts, Template

if TYPE_CHECKING:
    from collections.abc import Sequence

    from florentin_webhooks.protocol.headers import Headers
    from florentin_webhooks.senders.schemes.keys import Key

__all__ = ["NamedKey", "TemplateScheme"]


class NamedKey(NamedTuple):
    """A key with the name of its secret, and the prefix of signatures that it makes."""

    name: str
    key: Key
    prefix: str = ""


class TemplateScheme:
    """Verify and sign *template* with any of *keys*, written as *form* describes.

    Timestamps count *per_second* units. The first key signs.
    """

    __slots__ = ("_decode", "_expected", "_form", "_keys", "_per_second", "_signs", "_template")

    def __init__(
        self,
        form: SignatureFormat,
        template: Template,
        keys: Sequence[NamedKey],
        *,
        per_second: int = 1,
    ) -> None:
        self._form = form
        self._template = template
        self._signs = tuple(name in template.names for name in ("id", "timestamp", "url"))
        self._keys = tuple(keys)
        self._per_second = per_second
        self._decode = form.encoding.decode
        self._expected = [
            (each, len(each.prefix) + form.encoding.length(each.key.size) if each.key.size else 0)
            for each in self._keys
        ]

    def __repr__(self) -> str:
        return f"TemplateScheme({', '.join(each.name for each in self._keys)})"

    def authenticate(
        self, headers: Headers, body: bytes, received_at: datetime, url: str | None = None
    ) -> Metadata:
        """Return the metadata of a request whose signature is valid.

        Raises :class:`InvalidSignature`, and :class:`MalformedDelivery` where the signed time is
        not a time. Each key is tried on each signature of its kind, so that the time taken does not
        show which one matched.
        """
        claim = read_claim(self._form, headers)
        secret = self._matching_secret(claim, self._parts(claim, body, url))
        timestamp = None if claim.timestamp is None else self._time(claim.timestamp)
        return new_tuple(Metadata, (secret, received_at, claim.id, claim.event, timestamp))

    def sign(
        self,
        body: bytes,
        *,
        event: str,
        delivery_id: str,
        timestamp: datetime,
        url: str | None = None,
    ) -> dict[str, str]:
        """Return the headers that the sender sends with *body*, signed with the first key.

        Raises :class:`ConfigurationError` without the URL, where that is signed.
        """
        if self._signs[2]:
            require_url(url)
        form, stamp = self._form, str(int(timestamp.timestamp() * self._per_second))
        parts = self._parts(SignatureClaim((), delivery_id, stamp), body, url)
        first = self._keys[0]
        signature = first.prefix + form.encoding.encode(
            first.key.sign(self._template.render(parts))
        )
        if form.time_prefix:
            signature = f"{form.time_prefix}{stamp}{form.separator}{signature}"
        named = {
            form.id_header: delivery_id,
            form.timestamp_header: stamp,
            form.event_header: event,
            form.signature_header: signature,
        }
        return {name: value for name, value in named.items() if name}

    def _parts(self, claim: SignatureClaim, body: bytes, url: str | None) -> SignedParts:
        """Return the values of the template; raises :class:`InvalidSignature` without one."""
        number, time, address = self._signs
        if (number and claim.id is None) or (time and claim.timestamp is None):
            raise InvalidSignature("missing")
        if address and url is None:
            raise InvalidSignature("missing")
        try:
            return SignedParts(
                body,
                claim.id.encode() if number and claim.id else b"",
                claim.timestamp.encode() if time and claim.timestamp else b"",
                url.encode() if address and url else b"",
            )
        except UnicodeEncodeError:
            raise InvalidSignature("malformed") from None

    def _matching_secret(self, claim: SignatureClaim, parts: SignedParts) -> str:
        signed = self._template.render(parts)
        matched, is_formed = None, False
        for (name, key, prefix), length in self._expected:
            for signature in self._signatures(claim, prefix, length):
                is_formed = True
                if key.verify(signed, signature):
                    matched = name
        if matched is None:
            raise InvalidSignature("mismatch" if is_formed else "malformed")
        return matched

    def _signatures(self, claim: SignatureClaim, prefix: str, length: int) -> list[bytes]:
        """Return the signatures in *claim* of this prefix and length, of any length for 0."""
        found: list[bytes] = []
        for item in claim.items:
            if item.startswith(prefix) and (not length or len(item) == length):
                try:
                    found.append(self._decode(item[len(prefix) :]))
                except ValueError:
                    continue
        return found

    def _time(self, digits: str) -> datetime:
        try:
            return datetime.fromtimestamp(int(digits) / self._per_second, UTC)
        except (ValueError, OverflowError, OSError):
            raise MalformedDelivery("the signed time is not a time") from None
