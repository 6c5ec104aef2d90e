"""SendGrid's Event Webhook: what became of e-mails.

Source: https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/
getting-started-event-webhook-security-features and .../tracking-events/event.
"""

from __future__ import annotations

from base64 import b64decode
from typing import TYPE_CHECKING

from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.senders.base import Retries
from florentin_webhooks.senders.items import BATCH
from florentin_webhooks.senders.schemes.ecdsa import load_ecdsa_key
from florentin_webhooks.senders.schemes.encodings import Encoding
from florentin_webhooks.senders.schemes.format import SignatureFormat
from florentin_webhooks.senders.schemes.list_sender import ListSender
from florentin_webhooks.senders.schemes.scheme import NamedKey
from florentin_webhooks.senders.schemes.template import Template
from florentin_webhooks.senders.secrets import redact_name

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

__all__ = ["SendGrid"]

_DELIVERED = "delivered"
EVENTS = frozenset(
    [
        "batch",
        "bounce",
        "click",
        "deferred",
        "delivered",
        "dropped",
        "group_resubscribe",
        "group_unsubscribe",
        "open",
        "processed",
        "spamreport",
        "unsubscribe",
    ]
)


class SendGrid(ListSender):
    """SendGrid: time and body are signed with ECDSA. The secret is the public key, in base64.

    A body is a list of events, such as ``delivered`` and ``bounce``, and handlers get them one by
    one: ``event.data`` is the item with its ``sg_event_id``. A handler of ``batch`` gets the list.
    """

    name = "SendGrid"
    form = SignatureFormat(
        signature_header="X-Twilio-Email-Event-Webhook-Signature",
        encoding=Encoding.BASE64,
        timestamp_header="X-Twilio-Email-Event-Webhook-Timestamp",
    )
    # Digits end where the list begins.
    template = Template.parse("{timestamp}{body}", adjacent=True)
    documented_events = EVENTS
    event_field = "event"
    time_field = "timestamp"
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

    def item_data(self, item: Mapping[str, object]) -> object:
        """Return the whole item; "data" would be an argument of the e-mail's sender."""
        return item

    def sample_item(
        self, event: str, data: Mapping[str, object], delivery_id: str, time: datetime
    ) -> Mapping[str, object]:
        """Return an item whose event is *event*, unless that is ``batch``."""
        name = _DELIVERED if event == BATCH else event
        facts = {"event": name, "sg_event_id": delivery_id, "timestamp": int(time.timestamp())}
        return {**facts, **data}
