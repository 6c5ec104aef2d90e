"""Turn headers and bytes into a genuine delivery, or say why not.

Pure: bytes, headers and *now* go in, a value or an error comes out. The order is the point: the
signature over the raw bytes first, then JSON, then the envelope, then what the unsigned headers
say, so that nothing which Florentin did not sign is ever parsed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, cast

from florentin_webhooks.errors import MalformedDelivery, StaleDelivery
from florentin_webhooks.protocol.delivery import Delivery
from florentin_webhooks.protocol.fingerprint import fingerprint
from florentin_webhooks.protocol.headers import HeaderMap, Headers, get_all
from florentin_webhooks.protocol.strict_json import loads
from florentin_webhooks.senders.florentin.signature import DELIVERY_ID_HEADER, EVENT_HEADER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from florentin_webhooks.senders.florentin.signature import FlorentinSignature

__all__ = ["Verifier", "read_envelope"]

MAX_NAME = 200
"""The longest event name and delivery id that are believed to be one."""

_EVENT_NAME = EVENT_HEADER.lower()
_DELIVERY_ID_NAME = DELIVERY_ID_HEADER.lower()
_HOUR_MINUTE = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_RFC3339 = re.compile(
    rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T{_HOUR_MINUTE}:[0-5][0-9](?:\.[0-9]{{1,9}})?"
    rf"(?:Z|[+-]{_HOUR_MINUTE})"
)
_VISIBLE = re.compile(rf"[!-~]{{1,{MAX_NAME}}}")


@dataclass(frozen=True, slots=True)
class Verifier:
    """Hold a scheme and a window; *tolerance* reaches into the past, *leeway* into the future."""

    signature: FlorentinSignature
    tolerance: timedelta
    leeway: timedelta

    def authenticate(
        self, headers: Headers, body: bytes, now: datetime
    ) -> tuple[Delivery, Mapping[str, object]]:
        """Give the delivery and its envelope, with the timestamp as a datetime, of any age.

        Raises :class:`InvalidSignature` or :class:`MalformedDelivery`.
        """
        headers = headers if isinstance(headers, HeaderMap) else HeaderMap(headers)
        secret = self.signature.verify(headers, body)
        envelope = read_envelope(body)
        event, timestamp = cast("str", envelope["event"]), cast("datetime", envelope["timestamp"])
        if [claim for claim in get_all(headers, _EVENT_NAME) if claim != event]:
            message = "the event header and the signed body name different events"
            raise MalformedDelivery(message)
        delivery = Delivery(
            fingerprint=fingerprint(body).hex(),
            event=event,
            timestamp=timestamp,
            delivery_id=_delivery_id(headers),
            secret=secret,
            received_at=now,
            body=body,
        )
        return delivery, envelope

    def staleness(self, delivery: Delivery) -> StaleDelivery | None:
        """Give what is wrong with the age of *delivery*, or None; both ends are inclusive.

        The signed timestamp is judged. The header of that name is never evidence.
        """
        age = delivery.received_at - delivery.timestamp
        if age > self.tolerance:
            return StaleDelivery(age, self.tolerance)
        if -age > self.leeway:
            return StaleDelivery(age, self.leeway)
        return None


def read_envelope(body: bytes) -> dict[str, object]:
    """Give the envelope of a genuine *body*, its timestamp as a datetime, of any age.

    Raises :class:`MalformedDelivery`.
    """
    envelope = _envelope(body)
    _event(envelope)
    return {**envelope, "timestamp": _timestamp(envelope)}


def _envelope(body: bytes) -> dict[str, object]:
    try:
        value = loads(body)
    except ValueError as error:
        raise MalformedDelivery(str(error)) from None
    if not isinstance(value, dict):
        message = "not a JSON object"
        raise MalformedDelivery(message)
    envelope = cast("dict[str, object]", value)
    missing = [key for key in ("event", "timestamp", "data") if key not in envelope]
    if missing:
        message = f"no envelope: {', '.join(missing)} missing"
        raise MalformedDelivery(message)
    return envelope


def _event(envelope: Mapping[str, object]) -> str:
    event = envelope["event"]
    if not isinstance(event, str) or not 0 < len(event) <= MAX_NAME or not event.isprintable():
        message = "the event is not a name"
        raise MalformedDelivery(message)
    return event


def _timestamp(envelope: Mapping[str, object]) -> datetime:
    stamp = envelope["timestamp"]
    try:
        # The pattern comes first, since fromisoformat takes much more than RFC 3339.
        if isinstance(stamp, str) and _RFC3339.fullmatch(stamp):
            return datetime.fromisoformat(stamp).astimezone(UTC)
    except (ValueError, OverflowError):  # Month 13, or a year that UTC leaves.
        pass
    message = "the timestamp is not an RFC 3339 date and time with an offset"
    raise MalformedDelivery(message) from None


def _delivery_id(headers: Headers) -> str | None:
    """Give the delivery id where there is exactly one that could be one; it is no evidence."""
    values = get_all(headers, _DELIVERY_ID_NAME)
    return values[0] if len(values) == 1 and _VISIBLE.fullmatch(values[0]) else None
