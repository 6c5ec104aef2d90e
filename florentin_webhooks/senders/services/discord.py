"""Discord: webhook events, and the PING of interactions.

Source: https://docs.discord.com/developers/events/webhook-events and
https://docs.discord.com/developers/interactions/overview.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from florentin_webhooks.errors import ConfigurationError, MalformedDelivery
from florentin_webhooks.senders.base import Answer, Message, Retries, Sample
from florentin_webhooks.senders.schemes.encodings import Encoding
from florentin_webhooks.senders.schemes.format import SignatureFormat
from florentin_webhooks.senders.schemes.keys import Ed25519Key, Ed25519Signer
from florentin_webhooks.senders.schemes.payload import field_at, find_time_in_utc
from florentin_webhooks.senders.schemes.samples import encode
from florentin_webhooks.senders.schemes.scheme import NamedKey, TemplateScheme
from florentin_webhooks.senders.schemes.sender import TemplateSender
from florentin_webhooks.senders.schemes.template import Template
from florentin_webhooks.senders.secrets import redact_name
from florentin_webhooks.senders.services.discord_events import CATALOGUE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from florentin_webhooks.senders.base import Metadata

__all__ = ["Discord"]

PRIVATE = "private:"
"""What a private key begins with, for tests and tools; public keys are hex alone."""

_PING = "PING"
_WEBHOOK_PING, _WEBHOOK_EVENT = 0, 1
_INTERACTION_PING = 1


class _DiscordScheme(TemplateScheme):
    __slots__ = ()

    def answer(self, _body: bytes, message: Message, _secret: str) -> Answer | None:
        """Return what a PING expects: 204 for webhook events, type 1 for interactions."""
        if message.event != _PING:
            return None
        is_interaction = message.envelope.get("type") == _INTERACTION_PING
        return Answer(b'{"type":1}') if is_interaction else Answer(b"", status=204)


class Discord(TemplateSender):
    """Discord: time and body are signed with Ed25519; no id is. The secret is the public key.

    Events are named as Discord does: ``APPLICATION_AUTHORIZED``. Both kinds of PING are answered.
    Other interactions need an answer that no handler can make here, and are malformed.
    """

    name = "Discord"
    form = SignatureFormat(
        signature_header="X-Signature-Ed25519", timestamp_header="X-Signature-Timestamp"
    )
    # Digits end where the JSON object begins.
    template = Template.parse("{timestamp}{body}", adjacent=True)
    # Several attempts within 10 minutes. Whether each has a time of its own is not documented.
    retries = Retries(
        (600,),
        restamped=False,
        source="https://docs.discord.com/developers/events/webhook-events#responding-to-events",
    )
    event_field = "event.type"
    time_field = "event.timestamp"
    read_time = staticmethod(find_time_in_utc)
    catalogue = CATALOGUE
    success_status = 204
    scheme_type = _DiscordScheme

    def make_key(self, name: str, secret: bytes) -> NamedKey:
        """Return the key that the secret *name* spells; raises :class:`ConfigurationError`."""
        text = secret.decode("ascii", "replace")
        kind = Ed25519Signer if text.startswith(PRIVATE) else Ed25519Key
        try:
            return NamedKey(name, kind(Encoding.HEX.decode(text.removeprefix(PRIVATE))))
        except ValueError:
            raise ConfigurationError(
                f"{redact_name(name)} is not a public key of Ed25519.",
                "Copy the public key of the application: 64 hex digits.",
            ) from None

    def event_name(self, payload: Mapping[str, object], metadata: Metadata) -> str:
        """Return the type of the inner event, or ``PING``."""
        kind, has_event = payload.get("type"), "event" in payload
        if type(kind) is int and not has_event and kind in {_WEBHOOK_PING, _INTERACTION_PING}:
            return _PING
        if kind != _WEBHOOK_EVENT or not has_event:
            raise MalformedDelivery("neither a webhook event nor a PING")
        return super().event_name(payload, metadata)

    def event_data(self, payload: Mapping[str, object]) -> object:
        """Return the data of the inner event, empty where it has none."""
        return field_at(payload, "event.data") or {}

    def sample(
        self, event: str, data: Mapping[str, object], _delivery_id: str, time: datetime, /
    ) -> Sample:
        """Return the body of *event* with *data*."""
        inner = {"type": event, "timestamp": time.isoformat(), "data": data}
        return Sample(encode({"version": 1, "type": _WEBHOOK_EVENT, "event": inner}), event)
