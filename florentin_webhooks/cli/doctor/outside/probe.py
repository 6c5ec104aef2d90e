"""Signed probes: genuine deliveries of an event that no handler gets and no store remembers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, cast

from florentin_webhooks.errors import (
    ConfigurationError,
    InvalidSignature,
    MalformedDelivery,
)
from florentin_webhooks.protocol.event import PROBE_EVENT
from florentin_webhooks.protocol.headers import HeaderMap
from florentin_webhooks.senders.base import Answering
from florentin_webhooks.testing.provider import Provider

if TYPE_CHECKING:
    from collections.abc import Mapping

    from florentin_webhooks.senders.base import Sender
    from florentin_webhooks.senders.secrets import Secrets
    from florentin_webhooks.testing.provider import SignedDelivery

__all__ = ["Prober"]


@dataclass(frozen=True, slots=True)
class Prober:
    """A maker of probes of *sender*, signed with the first of *secrets* for *url*.

    *ahead* is how many seconds the clock of the receiver is ahead of ours: a probe has the time
    of the receiver, so that it is fresh there.
    """

    sender: Sender
    secrets: Mapping[str, bytes]
    url: str
    ahead: float = 0

    def find_weakness(self) -> ConfigurationError | None:
        """Return why a receiver would refuse the secrets, or None."""
        try:
            self.sender.scheme(cast("Secrets", self.secrets))
        except ConfigurationError as error:
            return error
        return None

    def make(self, secret: bytes | None = None, size: int = 0) -> SignedDelivery:
        """Return a probe with a body of *size* bytes or more that no encoder would change.

        Raises :class:`ConfigurationError` where the sender cannot be simulated.
        """
        provider = self._provider(secret)
        made = provider.make(PROBE_EVENT, **({"pad": "x" * size} if size else {}))
        compact = _encode(made.body, ascii_only=True)
        return made if compact is None else _sign(provider, made, compact)

    def make_fragile(self) -> SignedDelivery:
        """Return a probe whose body each kind of encoder would change."""
        provider = self._provider()
        made = provider.make(PROBE_EVENT, zone="Zürich", amount=1)
        fragile = _encode(made.body, ascii_only=False, spaces=True)
        return made if fragile is None else _sign(provider, made, fragile + b"\r\n")

    def sign_other(self, made: SignedDelivery, body: bytes) -> SignedDelivery:
        """Return the body of *made* under the signature of another *body*."""
        return _sign(self._provider(), made, body).with_body(made.body)

    def is_probe(self, made: SignedDelivery) -> bool:
        """Return whether a receiver would take *made* for a probe, and run nothing."""
        scheme = self.sender.scheme(cast("Secrets", self.secrets))
        headers, now = HeaderMap(made.headers.items()), datetime.now(UTC)
        try:
            metadata = scheme.authenticate(headers, made.body, now, self.url)
            message = self.sender.parse(made.body, metadata)
        except (InvalidSignature, MalformedDelivery):
            return False
        if isinstance(scheme, Answering) and scheme.answer(made.body, message, metadata.secret):
            return False
        return message.event == PROBE_EVENT

    def _provider(self, secret: bytes | None = None) -> Provider:
        secrets = {"probe": secret} if secret else self.secrets
        return Provider(
            cast("Secrets", secrets),
            sender=self.sender,
            url=self.url,
            clock=lambda: datetime.now(UTC) + timedelta(seconds=self.ahead),
            check_names=False,
        )


def _sign(provider: Provider, made: SignedDelivery, body: bytes) -> SignedDelivery:
    return provider.sign(made.event, body, delivery_id=made.delivery_id)


def _encode(body: bytes, *, ascii_only: bool, spaces: bool = False) -> bytes | None:
    """Return the JSON in *body* encoded in another way, None for a form."""
    try:
        value = json.loads(body)
    except ValueError:
        return None
    separators = (", ", ": ") if spaces else (",", ":")
    text = json.dumps(value, ensure_ascii=ascii_only, separators=separators, sort_keys=not spaces)
    return text.encode()
