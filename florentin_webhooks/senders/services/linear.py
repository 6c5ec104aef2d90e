"""Linear: issues, comments, projects.

Source: https://linear.app/developers/webhooks.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from florentin_webhooks.errors import MalformedDelivery
from florentin_webhooks.protocol.frozen import new_tuple
from florentin_webhooks.senders.base import Message, Retries, Sample
from florentin_webhooks.senders.schemes.format import SignatureFormat
from florentin_webhooks.senders.schemes.payload import check_name, find_time
from florentin_webhooks.senders.schemes.samples import encode
from florentin_webhooks.senders.schemes.sender import TemplateSender
from florentin_webhooks.senders.schemes.template import Template

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from florentin_webhooks.senders.base import Metadata

__all__ = ["Linear"]

_SENT_AT = "webhookTimestamp"
# Inside a JSON string a quote has a backslash before it, so no text in a body matches.
_SENT_AT_FIELD = re.compile(rb'"webhookTimestamp"\s*+:\s*+[0-9]++')


class Linear(TemplateSender):
    """Linear: only the body is signed, and the time of the attempt is in it.

    An event is named by its type and its action: ``Issue.create``, ``Comment.remove``. Deliveries
    have an unsigned id, which only helps to recognise a retry with another time.
    """

    name = "Linear"
    form = SignatureFormat(signature_header="Linear-Signature", id_header="Linear-Delivery")
    template = Template.parse("{body}")
    # Receivers are asked to refuse what was sent more than a minute ago, so each attempt has a
    # time of its own.
    retries = Retries((60, 3600, 21_600), source="https://linear.app/developers/webhooks")
    time_field = "createdAt"

    @property
    def signs_time(self) -> bool:
        """Return True: the time in the body."""
        return True

    def parse(self, body: bytes, metadata: Metadata) -> Message:
        """Return what a genuine *body* means; its time is required."""
        event, time, envelope, _, number = super().parse(body, metadata)
        sent_at = envelope.get(_SENT_AT)
        signed_at = find_time(sent_at) if type(sent_at) is int else None
        if signed_at is None:
            raise MalformedDelivery(f"{_SENT_AT} is not a time")
        return new_tuple(Message, (event, time, envelope, signed_at, number))

    def event_name(self, payload: Mapping[str, object], _metadata: Metadata) -> str:
        """Return the type and the action."""
        kind = check_name(payload.get("type"), "type")
        return f"{kind}.{check_name(payload.get('action'), 'action')}"

    def retry_content(self, delivery_id: str | None, body: bytes) -> bytes | None:
        """Return *body* without the time of the attempt, None without a delivery id."""
        return None if delivery_id is None else _SENT_AT_FIELD.sub(b"", body)

    def sample(
        self, event: str, data: Mapping[str, object], _delivery_id: str, time: datetime, /
    ) -> Sample:
        """Return the body of *event* with *data*."""
        kind, _, action = event.partition(".")
        times = {"createdAt": time.isoformat(), _SENT_AT: _milliseconds(time)}
        return Sample(encode({"type": kind, "action": action, **times, "data": data}), event)

    def restamp(self, body: bytes, time: datetime) -> bytes:
        """Return *body* with the time of another attempt."""
        return _SENT_AT_FIELD.sub(b'"%s":%d' % (_SENT_AT.encode(), _milliseconds(time)), body)


def _milliseconds(time: datetime) -> int:
    return int(time.timestamp() * 1000)
