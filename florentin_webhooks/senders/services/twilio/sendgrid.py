"""SendGrid's Event Webhook: what became of e-mails.

Source: https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/
getting-started-event-webhook-security-features and .../tracking-events/event.
"""

from __future__ import annotations

from base64 import b64decode
from typing import TYPE_CHECKING

from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.senders.base import Retries, Sample
from florentin_webhooks.senders.schemes.ecdsa import load_ecdsa_key
from florentin_webhooks.senders.schemes.encodings import Encoding
from florentin_webhooks.senders.schemes.format import SignatureFormat
from florentin_webhooks.senders.schemes.payload import read_list
from florentin_webhooks.senders.schemes.samples import encode
from florentin_webhooks.senders.schemes.scheme import NamedKey
from florentin_webhooks.senders.schemes.sender import TemplateSender
from florentin_webhooks.senders.schemes.template import Template
from florentin_webhooks.senders.secrets import redact_name

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from florentin_webhooks.senders.base import Metadata

__all__ = ["BATCH", "SendGrid"]

BATCH = "batch"
"""The name of every event of SendGrid: its deliveries are lists."""
_DELIVERED = "delivered"


class SendGrid(TemplateSender):
    """SendGrid: time and body are signed with ECDSA. The secret is the public key, in base64.

    A body is a list, so each delivery is one event, ``batch``, whose ``event.data`` is that list.
    Each item has its own ``event`` and ``sg_event_id``.
    """

    name = "SendGrid"
    form = SignatureFormat(
        signature_header="X-Twilio-Email-Event-Webhook-Signature",
        encoding=Encoding.BASE64,
        timestamp_header="X-Twilio-Email-Event-Webhook-Timestamp",
    )
    # Digits end where the list begins.
    template = Template.parse("{timestamp}{body}", adjacent=True)
    # For up to 24 hours. Whether each attempt has a time of its own is not documented.
    retries = Retries(
        (86_400,),
        restamped=False,
        source="https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event",
    )

    def make_key(self, name: str, secret: bytes) -> NamedKey:
        """Return the key that the secret *name* spells; raises :class:`ConfigurationError`."""
        try:
            return NamedKey(name, load_ecdsa_key(b64decode(secret, validate=True)))
        except ValueError:
            raise ConfigurationError(
                f"{redact_name(name)} is not a key of ECDSA on P-256 in base64.",
                "Copy the verification key from SendGrid's mail settings.",
            ) from None

    def read_payload(self, body: bytes) -> Mapping[str, object]:
        """Return the events in *body*; raises :class:`MalformedDelivery`."""
        return {"data": read_list(body)}

    def event_name(self, _payload: Mapping[str, object], _metadata: Metadata) -> str:
        """Return ``batch``."""
        return BATCH

    def sample(
        self, event: str, data: Mapping[str, object], delivery_id: str, time: datetime, /
    ) -> Sample:
        """Return a list of one item, whose event is *event* unless that is ``batch``."""
        name = _DELIVERED if event == BATCH else event
        facts = {"event": name, "sg_event_id": delivery_id, "timestamp": int(time.timestamp())}
        return Sample(encode([{**facts, **data}]), event)
