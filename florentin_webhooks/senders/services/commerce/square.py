"""Square: payments, orders, invoices, customers.

Source: https://developer.squareup.com/docs/webhooks/step3validate and
https://developer.squareup.com/docs/webhooks/troubleshooting.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from florentin_webhooks.errors import MalformedDelivery
from florentin_webhooks.protocol.frozen import new_tuple
from florentin_webhooks.senders.base import Message, Retries
from florentin_webhooks.senders.schemes.encodings import Encoding
from florentin_webhooks.senders.schemes.format import SignatureFormat
from florentin_webhooks.senders.schemes.public_url import PublicURL, with_public_url
from florentin_webhooks.senders.schemes.sender import TemplateSender
from florentin_webhooks.senders.schemes.template import Template

if TYPE_CHECKING:
    from florentin_webhooks.senders.base import Metadata, SignatureScheme
    from florentin_webhooks.senders.secrets import Secrets

__all__ = ["Square"]


class Square(TemplateSender):
    """Square: URL and body are signed; the event's id and time are in the body.

    The URL is the one that was called, or *url* where a proxy changes it: exactly as it is in
    Square's settings. ``event.data`` is Square's ``data``, with its ``object``.
    """

    name = "Square"
    form = SignatureFormat(
        signature_header="x-square-hmacsha256-signature", encoding=Encoding.BASE64
    )
    # A body begins with a brace and a URL has none, so no byte can move between the two.
    template = Template.parse("{url}{body}", adjacent=True)
    # For up to 24 hours, with the same bytes, at delays that are not documented one by one.
    retries = Retries(
        (86_400,),
        restamped=False,
        source="https://developer.squareup.com/docs/webhooks/troubleshooting",
    )
    id_field = "event_id"
    time_field = "created_at"

    def __init__(self, *, url: str | None = None) -> None:
        self._url = PublicURL.parse(url)

    @property
    def signs_time(self) -> bool:
        """Return True: the time in the body."""
        return True

    def scheme(self, secrets: Secrets) -> SignatureScheme:
        """Return the scheme for *secrets*; raises :class:`ConfigurationError` for a weak one."""
        return with_public_url(super().scheme(secrets), self._url)

    def parse(self, body: bytes, metadata: Metadata) -> Message:
        """Return what a genuine *body* means; its time is required."""
        event, time, envelope, _, number = super().parse(body, metadata)
        signed_at = self.event_time(envelope)
        if signed_at is None:
            raise MalformedDelivery(f"{self.time_field} is not a time")
        return new_tuple(Message, (event, time, envelope, signed_at, number))
