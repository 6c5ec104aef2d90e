"""A sender for tests: it makes signed deliveries and sends them.

A delivery is exactly what goes over the wire: the bytes and their headers. The clock is an
argument, so a test sets the time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from secrets import token_hex
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from florentin_webhooks.core.clock import utc_now
from florentin_webhooks.senders.florentin.samples import SAMPLES
from florentin_webhooks.senders.florentin.signature import (
    DELIVERY_ID_HEADER,
    EVENT_HEADER,
    FlorentinSignature,
    iso_timestamp,
)
from florentin_webhooks.senders.secrets import Secrets
from florentin_webhooks.testing.names import check_data, check_event
from florentin_webhooks.testing.transport import Response, post

if TYPE_CHECKING:
    from florentin_webhooks.core.receiver import Receiver

__all__ = ["Provider", "SignedDelivery"]


JSON = Mapping[str, Any]  # Any: JSON.


class SignedDelivery(NamedTuple):
    """A delivery as it goes over the wire."""

    headers: dict[str, str]
    body: bytes


class Provider:
    """Sender of deliveries signed with *secret*.

    *clock* returns an aware datetime, the timestamp of new events. Pass a delivery to any receiver:
    ``hooks.receive(*provider.make("user.login"))``, and in a running event loop
    ``await hooks.areceive(*provider.make("user.login"))``.

    *check_names* refuses misspelt events and unknown data of known events; without it you can make
    what this package does not know of.
    """

    def __init__(
        self,
        secret: Secrets,
        *,
        clock: Callable[[], datetime] = utc_now,
        check_names: bool = True,
    ) -> None:
        self._signature = FlorentinSignature(secret)
        self._clock = clock
        self._check_names = check_names

    def make(
        self,
        event: str,
        /,
        **data: Any,  # Any: JSON.
    ) -> SignedDelivery:
        """Return headers and body of a new delivery.

        The data is the sample of *event* (empty for an event without one) deeply merged with
        *data*: ``make("invoice.created", invoice={"amount_due": 0})``. Two deliveries never share
        their bytes or their id.

        Raises :class:`ConfigurationError` for an event whose name is almost that of a known one,
        and for data that a known event does not have.
        """
        if self._check_names:
            check_event(event)
            check_data(event, data)
        unique = token_hex(12)
        envelope = {
            "event": event,
            "timestamp": iso_timestamp(self._clock()),
            "data": _deep_merge({"request": unique, **SAMPLES.get(event, {})}, data),
        }
        return self.sign(event, json.dumps(envelope).encode(), delivery_id=unique)

    def sign(self, event: str, body: bytes, *, delivery_id: str) -> SignedDelivery:
        """Return a signed delivery of exactly these bytes."""
        headers = self._signature.sign(
            body, event=event, delivery_id=delivery_id, timestamp=self._clock()
        )
        return SignedDelivery({"Content-Type": "application/json", **headers}, body)

    def deliver(
        self, target: Receiver[object] | str, event: str, /, **data: Any
    ) -> Response:  # Any: JSON.
        """Make a delivery, send it to a receiver or to a URL, and return the response.

        Raises OSError without an answer from the URL.
        """
        return self.send(target, self.make(event, **data))

    def send(self, target: Receiver[object] | str, made: SignedDelivery) -> Response:
        """Send a delivery unchanged, any number of times, and return the response."""
        if isinstance(target, str):
            return post(target, made.headers, made.body)
        reply = target.receive(made.headers, made.body)
        return Response(reply.status, reply.outcome.value, dict(reply.headers), reply.body)

    def restamp(self, delivery: SignedDelivery) -> SignedDelivery:
        """Return a retry with the same delivery id, a new timestamp and a new signature."""
        envelope = _envelope(delivery)
        # Two attempts within one millisecond would be the same bytes.
        times = [self._clock() + timedelta(milliseconds=each) for each in (0, 1)]
        stamps = [iso_timestamp(time) for time in times]
        envelope["timestamp"] = next(each for each in stamps if each != envelope.get("timestamp"))
        headers = delivery.headers
        body = json.dumps(envelope).encode()
        return self.sign(headers[EVENT_HEADER], body, delivery_id=headers[DELIVERY_ID_HEADER])

    def redeliver(self, delivery: SignedDelivery) -> SignedDelivery:
        """Return the same signed bytes under a new delivery id, as an eavesdropper can send."""
        return SignedDelivery(
            {**delivery.headers, DELIVERY_ID_HEADER: token_hex(12)}, delivery.body
        )

    def tamper(self, delivery: SignedDelivery) -> SignedDelivery:
        """Return the delivery with a body that was changed after it was signed."""
        envelope = _envelope(delivery)
        data = envelope.get("data")
        changed = cast("dict[str, Any]", data) if isinstance(data, dict) else envelope
        changed["tampered"] = True
        return SignedDelivery(delivery.headers, json.dumps(envelope).encode())


def _envelope(delivery: SignedDelivery) -> dict[str, Any]:  # Any: JSON.
    return cast("dict[str, Any]", json.loads(delivery.body))


def _deep_merge(defaults: JSON, values: JSON) -> dict[str, Any]:
    merged = dict(defaults)
    for key, value in values.items():
        default = merged.get(key)
        if isinstance(default, Mapping) and isinstance(value, Mapping):
            merged[key] = _deep_merge(cast("JSON", default), cast("JSON", value))
        else:
            merged[key] = value
    return merged
