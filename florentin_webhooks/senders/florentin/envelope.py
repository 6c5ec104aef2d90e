"""The body of a delivery: ``{"event", "timestamp", "data"}`` (documentation, "Webhooks & events").

Only the body is signed, so the event's name and its time are those of the body.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from florentin_webhooks.errors import MalformedDelivery
from florentin_webhooks.protocol.frozen import new_tuple
from florentin_webhooks.protocol.strict_json import loads
from florentin_webhooks.senders.base import Message, Metadata

__all__ = ["parse", "retry_content"]

_OBJECT: Any = dict  # Any: type checkers narrow an unknown value to a dict of unknown ones.

MAX_NAME = 200
"""The longest event name that is accepted."""

_HOUR_MINUTE = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_RFC3339 = re.compile(
    rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T{_HOUR_MINUTE}:[0-5][0-9](?:\.[0-9]{{1,9}})?"
    rf"(?:Z|[+-]{_HOUR_MINUTE})"
)
_is_rfc3339 = _RFC3339.fullmatch

_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
# Behind a backslash, the quote belongs to a longer name. That is checked last, so that the regex
# begins with what can be searched for.
_TIMESTAMP = re.compile(rb'"timestamp"(?<!\\"timestamp")\s*+:\s*+"[^"\\]*+"')


def parse(body: bytes, metadata: Metadata) -> Message:
    """Return the message of a genuine *body*, its timestamp as a datetime, of any age.

    Raises :class:`MalformedDelivery`.
    """
    try:
        envelope: Any = loads(body)
    except ValueError as error:
        raise MalformedDelivery(str(error)) from None
    if type(envelope) is not _OBJECT:
        raise MalformedDelivery("not a JSON object")
    try:
        event, stamp, _ = envelope["event"], envelope["timestamp"], envelope["data"]
    except KeyError:
        missing = [key for key in ("event", "timestamp", "data") if key not in envelope]
        raise MalformedDelivery(f"no envelope: {', '.join(missing)} missing") from None
    if not isinstance(event, str) or not 0 < len(event) <= MAX_NAME or not event.isprintable():
        raise MalformedDelivery("the event is not a name")
    # In place: this dict was just decoded, and is passed on instead of the body.
    timestamp = envelope["timestamp"] = _parse_timestamp(stamp)
    _, _, _, name, _ = metadata  # As a tuple: an attribute takes thrice the time.
    if name is not None and name != event:
        raise MalformedDelivery("the event header and the signed body name different events")
    return new_tuple(Message, (event, timestamp, envelope, timestamp, None))


def retry_content(delivery_id: str | None, body: bytes) -> bytes | None:
    """Return *body* without its timestamp, which retries change; None without a delivery id.

    Without an id, two genuine events that differ in nothing but their time would be one.
    """
    if delivery_id is None:
        return None
    match = _TIMESTAMP.search(body)
    if match is None:
        return body
    head = body[: match.start()]
    if head.count(b"{") + head.count(b"[") == 1:
        return head + body[match.end() :]  # As Florentin writes it.
    return _without_timestamp(body)


def _parse_timestamp(stamp: object) -> datetime:
    try:
        # The pattern comes first, since fromisoformat takes much more than RFC 3339.
        if isinstance(stamp, str) and _is_rfc3339(stamp):
            parsed = datetime.fromisoformat(stamp)
            return parsed if parsed.tzinfo is UTC else parsed.astimezone(UTC)
    except (ValueError, OverflowError):  # Month 13, or a year that UTC leaves.
        pass
    raise MalformedDelivery("the timestamp is not an RFC 3339 date and time with an offset")


def _without_timestamp(body: bytes) -> bytes:
    """Return a JSON *body* without the envelope's own timestamp; one inside ``data`` stays."""
    depth = position = 0
    for match in _TIMESTAMP.finditer(body):
        between = _STRING.sub(b"", body[position : match.start()])
        depth += between.count(b"{") + between.count(b"[")
        depth -= between.count(b"}") + between.count(b"]")
        if depth == 1:
            return body[: match.start()] + body[match.end() :]
        position = match.end()
    return body
