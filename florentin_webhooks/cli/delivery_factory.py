"""Make deliveries, honest and otherwise, the way they go over the wire. No I/O but the clock."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import TYPE_CHECKING, Any, cast

from florentin_webhooks.cli.overrides import Override, apply_override
from florentin_webhooks.protocol.fingerprint import compute_key_id, fingerprint, under_key
from florentin_webhooks.senders.florentin.signature import (
    DELIVERY_ID_HEADER,
    EVENT_HEADER,
    iso_timestamp,
)
from florentin_webhooks.senders.secrets import normalize_secrets
from florentin_webhooks.testing.provider import Provider, SignedDelivery

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from florentin_webhooks.senders.secrets import Secrets

__all__ = ["DeliveryFactory", "utc_now"]

Envelope = dict[str, Any]  # Any: JSON.


def utc_now() -> datetime:
    """Give the time."""
    return datetime.now(UTC)


class DeliveryFactory:
    """Make deliveries signed with *secret*, and what becomes of them on a bad day.

    *receiver* is the name of the one that they go to.
    """

    def __init__(
        self, secret: Secrets, clock: Callable[[], datetime] = utc_now, receiver: str = ""
    ) -> None:
        self._clock = clock
        self._key_id = compute_key_id(normalize_secrets(secret)[0][1], receiver)
        self._provider = Provider(secret, clock=clock)

    def fingerprint(self, made: SignedDelivery) -> str:
        """Return the fingerprint under which the receiver records *made*."""
        return under_key(self._key_id, fingerprint(made.body)).hex()

    def new(
        self,
        event: str,
        *,
        assignments: Sequence[Override] = (),
        age: timedelta = timedelta(0),
    ) -> SignedDelivery:
        """Give a new delivery of *event* that was stamped *age* ago."""
        envelope = _envelope(self._provider.make(event))
        envelope["timestamp"] = iso_timestamp(self._clock() - age)
        for assignment in assignments:
            apply_override(envelope, assignment)
        return self._signed(event, envelope, token_hex(12))

    def restamp(self, made: SignedDelivery) -> SignedDelivery:
        """Give the retry under the same delivery id, stamped and signed anew."""
        envelope = _envelope(made)
        before = envelope.get("timestamp")
        now = self._clock()
        # Two attempts within one millisecond would be the same bytes.
        later = now + timedelta(milliseconds=1)
        envelope["timestamp"] = iso_timestamp(later if before == iso_timestamp(now) else now)
        return self._signed(made.headers[EVENT_HEADER], envelope, made.headers[DELIVERY_ID_HEADER])

    def replay(self, made: SignedDelivery) -> SignedDelivery:
        """Give the same signed bytes under a new delivery id: what an eavesdropper can send."""
        return SignedDelivery({**made.headers, DELIVERY_ID_HEADER: token_hex(12)}, made.body)

    def tamper(self, made: SignedDelivery) -> SignedDelivery:
        """Give the delivery with its body changed after it was signed."""
        envelope = _envelope(made)
        data = envelope.get("data")
        changed = cast("Envelope", data) if isinstance(data, dict) else envelope
        changed["tampered"] = True
        return SignedDelivery(made.headers, json.dumps(envelope).encode())

    def _signed(self, event: str, envelope: Envelope, delivery_id: str) -> SignedDelivery:
        body = json.dumps(envelope).encode()
        return self._provider.sign(event, body, delivery_id=delivery_id)


def _envelope(made: SignedDelivery) -> Envelope:
    return cast("Envelope", json.loads(made.body))
