"""Twilio: status callbacks, incoming messages, event streams.

Source: https://www.twilio.com/docs/usage/webhooks/webhooks-security and
https://www.twilio.com/docs/usage/webhooks/webhooks-overview.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, cast
from urllib.parse import urlencode

from florentin_webhooks.errors import ConfigurationError, MalformedDelivery
from florentin_webhooks.senders.base import Retries, Sample
from florentin_webhooks.senders.items import BATCH
from florentin_webhooks.senders.schemes.arguments import require_texts
from florentin_webhooks.senders.schemes.encodings import Encoding
from florentin_webhooks.senders.schemes.format import SignatureFormat
from florentin_webhooks.senders.schemes.list_sender import ListSender
from florentin_webhooks.senders.schemes.payload import check_name, read_json
from florentin_webhooks.senders.schemes.public_url import PublicURL, with_public_url
from florentin_webhooks.senders.schemes.samples import encode
from florentin_webhooks.senders.schemes.sender import TemplateSender
from florentin_webhooks.senders.schemes.template import Template
from florentin_webhooks.senders.services.twilio.signed_form import FormScheme, is_json, read_fields

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from florentin_webhooks.senders.base import Message, Metadata, SignatureScheme
    from florentin_webhooks.senders.items import Item
    from florentin_webhooks.senders.secrets import Secrets

__all__ = ["Twilio"]

_NAMES = ("EventType", "StatusCallbackEvent", "type")
"""Where products put the name of an event."""
_STATUSES = {"MessageStatus": "message", "SmsStatus": "message", "CallStatus": "call"}
_OTHER = "callback"
_SAMPLES = {"message": ("MessageSid", "MessageStatus"), "call": ("CallSid", "CallStatus")}
"""The fields of id and status in the form of an event."""


class _EventStream(ListSender):
    """A list of CloudEvents."""

    time_field = "time"


_STREAM = _EventStream()


class Twilio(TemplateSender):
    """Twilio: URL and form are signed, or with a JSON body the URL, which has the body's hash.

    Events are named by what a form has: ``message.received``, ``message.delivered``,
    ``call.completed``, or its ``EventType``; else ``callback``. A list of events in JSON is
    handled item by item. ``event.data`` is the form; a field of several values has a list.

    The secret is the auth token, or a shared key with *algorithm* ``sha256``; a request cannot
    choose. The URL is the one that was called, or *url* where a proxy changes it. No time is
    signed, so no delivery is stale. Success is answered with an empty 204, since Twilio would
    read a text as instructions.
    """

    name = "Twilio"
    form = SignatureFormat(signature_header="X-Twilio-Signature", encoding=Encoding.BASE64)
    template = Template.parse("{url}{body}", adjacent=True)
    retries = Retries(
        (), restamped=False, source="https://www.twilio.com/docs/usage/webhooks/webhooks-faq"
    )
    success_status = 204

    def __init__(
        self, *, url: str | None = None, algorithm: Literal["sha1", "sha256"] = "sha1"
    ) -> None:
        self._url = PublicURL.parse(url)
        require_texts(algorithm=algorithm)
        self.algorithm = algorithm
        if algorithm not in {"sha1", "sha256"}:
            raise ConfigurationError(
                f"The algorithm {algorithm!r} is unknown.", 'Use "sha1" or "sha256".'
            )

    @property
    def signs_delivery_id(self) -> bool:
        """Return True: the id is the digest of what was signed."""
        return True

    def scheme(self, secrets: Secrets) -> SignatureScheme:
        """Return the scheme for *secrets*; raises :class:`ConfigurationError` for a weak one."""
        return with_public_url(FormScheme(super().scheme(secrets)), self._url)

    def parse(self, body: bytes, metadata: Metadata) -> Message:
        """Return what a genuine *body* means; raises :class:`MalformedDelivery`."""
        if body.startswith(b"["):
            return _STREAM.parse(body, metadata)
        message = super().parse(body, metadata)
        if message.event == BATCH:
            raise MalformedDelivery(f"{BATCH} is not the name of an event")
        return message

    def items(self, envelope: Mapping[str, object], /) -> Sequence[Item] | None:
        """Return the events of a list, None for a form or an object."""
        return _STREAM.items(envelope) if envelope["event"] == BATCH else None

    def read_payload(self, body: bytes) -> Mapping[str, object]:
        """Return the form or JSON object in *body*."""
        if is_json(body):
            return read_json(body)
        fields = read_fields(body)
        if not fields:
            raise MalformedDelivery("the form is empty")
        return {name: values[0] if len(values) == 1 else values for name, values in fields.items()}

    def event_name(self, payload: Mapping[str, object], _metadata: Metadata) -> str:
        """Return the name in the payload, one from its status, or ``callback``."""
        for field in _NAMES:
            if payload.get(field):
                return check_name(payload[field], field)
        for field, family in _STATUSES.items():
            if payload.get(field):
                return f"{family}.{check_name(payload[field], field)}"
        return _OTHER

    def sample(
        self, event: str, data: Mapping[str, object], delivery_id: str, _time: datetime, /
    ) -> Sample:
        """Return the form of *event* with *data*; raises :class:`ConfigurationError` for a list."""
        if event == BATCH:
            raise ConfigurationError(
                "A batch of Twilio is JSON, whose hash is in the URL.",
                "Use an event of a form, such as message.received.",
            )
        fields = {**_name_fields(event, delivery_id), **data}
        return Sample(urlencode(_texts(fields), doseq=True).encode(), event)


def _name_fields(event: str, delivery_id: str) -> dict[str, object]:
    """Return the fields of a form that name *event*."""
    family, _, status = event.partition(".")
    if event == _OTHER:
        return {}
    if not status or family not in _SAMPLES:
        return {_NAMES[0]: event}
    identifier, state = _SAMPLES[family]
    return {identifier: delivery_id, state: status}


def _texts(fields: Mapping[str, object]) -> dict[str, list[str]]:
    """Return each value of *fields* as a form has it."""
    listed = {
        name: cast("list[object]", value) if isinstance(value, list) else [value]
        for name, value in fields.items()
    }
    return {
        name: [each if isinstance(each, str) else encode(each).decode() for each in values]
        for name, values in listed.items()
    }
