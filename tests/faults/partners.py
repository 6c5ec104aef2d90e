"""The deliveries of two other senders, which share the store, the queue and the workers."""

from __future__ import annotations

from dataclasses import dataclass
from secrets import token_hex

from florentin_webhooks.senders import GitHub, SendGrid
from florentin_webhooks.senders.schemes.samples import encode
from florentin_webhooks.testing import Provider, SignedDelivery
from tests.faults.florentin import Sending
from tests.faults.program import PARTNER_SECRET
from tests.support.signing_keys import P256

ITEMS = 3
"""The events of one list."""

_GITHUB = Provider(PARTNER_SECRET, sender=GitHub())
_SENDGRID = Provider(P256.private, sender=SendGrid())


@dataclass
class Push(Sending):
    """A delivery of GitHub, which has the same bytes when a person sends it again."""

    path: str = "/webhooks/github"

    def make(self, provider: Provider) -> SignedDelivery:
        """Return it under a new id, which is unsigned."""
        del provider  # Florentin's.
        payload = {"commits": [], "request": self.business, "work": self.work}
        return _GITHUB.sign(self.event, encode(payload), delivery_id=f"push-{token_hex(8)}")


@dataclass
class Mail(Sending):
    """A list of SendGrid's, whose retries have the same body under a new time and signature."""

    path: str = "/webhooks/sendgrid"

    @property
    def expected(self) -> set[tuple[str, str]]:
        """The effects: one for each item."""
        return {(f"{self.business}/{number}", "track") for number in range(ITEMS)}

    def make(self, provider: Provider) -> SignedDelivery:
        """Return the next attempt."""
        del provider  # Florentin's.
        businesses = sorted(business for business, _ in self.expected)
        items = [{"event": "open", "request": each, "work": self.work} for each in businesses]
        return _SENDGRID.sign(self.event, encode(items), delivery_id="")
