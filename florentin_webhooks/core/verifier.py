"""Turn headers and bytes into a genuine delivery, or raise why not.

Pure: bytes, headers and *now* go in, a value or an error comes out. The order matters: the
signature over the raw bytes first, then the body, then what unsigned headers claim, so that bytes
which the sender did not sign are never parsed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from florentin_webhooks.errors import StaleDelivery
from florentin_webhooks.protocol.delivery import Delivery
from florentin_webhooks.protocol.fingerprint import NO_IDENTITY
from florentin_webhooks.protocol.frozen import new_tuple
from florentin_webhooks.protocol.headers import HeaderMap, Headers

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta

    from florentin_webhooks.protocol.fingerprint import Identity
    from florentin_webhooks.senders.base import Sender, SignatureScheme

__all__ = ["VerifiedDelivery", "Verifier"]


class VerifiedDelivery(NamedTuple):
    """A genuine delivery with its envelope, and *stale* where its age is outside the window."""

    delivery: Delivery
    envelope: Mapping[str, object]
    stale: StaleDelivery | None


@dataclass(frozen=True, slots=True)
class Verifier:
    """A sender, its scheme, the accepted window, and the receiver's identity.

    *tolerance* reaches into the past, *leeway* into the future; both ends are inclusive.
    """

    sender: Sender
    scheme: SignatureScheme
    tolerance: timedelta
    leeway: timedelta
    identity: Identity = NO_IDENTITY

    def verify(self, headers: Headers, body: bytes, now: datetime) -> VerifiedDelivery:
        """Return the delivery, of any age.

        Raises :class:`InvalidSignature` or :class:`MalformedDelivery`.
        """
        headers = headers if isinstance(headers, HeaderMap) else HeaderMap(headers)
        metadata = self.scheme.authenticate(headers, body, now)
        message = self.sender.parse(body, metadata)
        signed_id = metadata.delivery_id if self.sender.signs_delivery_id else None
        signed = self.identity.identify(metadata.secret, body, signed_id)
        delivery = Delivery(
            signed.fingerprint.hex(),
            message.event,
            message.timestamp,
            metadata.delivery_id,
            metadata.secret,
            now,
            body,
            None,
            signed.key_id,
            signed.digest,
        )
        age = now - message.timestamp
        is_fresh = -self.leeway <= age <= self.tolerance
        stale = None if is_fresh else self._staleness(age)
        return new_tuple(VerifiedDelivery, (delivery, message.envelope, stale))

    def _staleness(self, age: timedelta) -> StaleDelivery:
        return StaleDelivery(age, self.tolerance if age > self.tolerance else self.leeway)
