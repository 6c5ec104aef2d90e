"""Deliveries that a page sends to its own receivers: of any event, valid or with a fault."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from secrets import token_hex
from typing import TYPE_CHECKING, cast

from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.inspector.sources import name_of
from florentin_webhooks.senders.secrets import normalize_secrets
from florentin_webhooks.testing.provider import Provider
from florentin_webhooks.testing.transport import Response, post

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from florentin_webhooks.core.receiver import Receiver
    from florentin_webhooks.senders.secrets import Secrets
    from florentin_webhooks.testing.delivery import SignedDelivery

__all__ = ["Fault", "Simulation", "Target"]

_STALE = timedelta(days=1)


class Fault(StrEnum):
    """What is wrong with what is sent."""

    NONE = "none"
    DUPLICATE = "duplicate"
    RESTAMPED = "re-stamped"
    TAMPERED = "tampered"
    STALE = "stale"
    WRONG_SECRET = "wrong secret"  # noqa: S105 - the name of a fault.


@dataclass(frozen=True, slots=True)
class Target:
    """A receiver under the *url* at which it is served."""

    hooks: Receiver[object]
    url: str

    @property
    def name(self) -> str:
        """The name of the receiver."""
        return name_of(self.hooks)

    @property
    def events(self) -> Sequence[str]:
        """The names of its events."""
        return tuple(self.hooks.models)

    def provider(self, age: timedelta = timedelta(0), secret: str = "") -> Provider:
        """Return its sender, whose clock is *age* behind; it signs with *secret*, or its own.

        Raises :class:`ConfigurationError` where the sender cannot be simulated.
        """
        own = dict(normalize_secrets(self.hooks.secrets))
        return Provider(
            secret or cast("Secrets", own),
            sender=self.hooks.sender,
            url=self.url,
            clock=lambda: datetime.now(UTC) - age,
            check_names=False,
        )


class Simulation:
    """The *targets* that deliveries can be sent to."""

    def __init__(self, urls: Mapping[Receiver[object], str]) -> None:
        targets = (Target(hooks, url) for hooks, url in urls.items())
        self.targets = {each.name: each for each in targets if _can_simulate(each)}

    def template(self, name: str, event: str) -> str:
        """Return the JSON of *event*, indented, to be edited."""
        body = self.targets[name].provider().make(event).body
        try:
            return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
        except ValueError:
            return body.decode("utf-8", "replace")

    def send(self, name: str, event: str, body: str, fault: Fault) -> list[Response]:
        """Send *body* as a delivery of *event* and return each response.

        Raises OSError without a response, :class:`ConfigurationError` for an event or a body that
        the sender cannot send.
        """
        target = self.targets[name]
        sent = _deliveries(target, event, body.encode(), fault)
        return [post(target.url, each.headers, each.body) for each in sent]


def _deliveries(target: Target, event: str, body: bytes, fault: Fault) -> Iterator[SignedDelivery]:
    wrong = token_hex(32) if fault is Fault.WRONG_SECRET else ""
    provider = target.provider(_STALE if fault is Fault.STALE else timedelta(0), wrong)
    first = _sign(provider, event, body)
    yield provider.tamper(first) if fault is Fault.TAMPERED else first
    if fault is Fault.DUPLICATE:
        yield first
    elif fault is Fault.RESTAMPED:
        yield provider.restamp(first)


def _sign(provider: Provider, event: str, body: bytes) -> SignedDelivery:
    """Return *body* with the present time and an id of its own, signed."""
    sample = provider.make(event)
    try:
        signed = provider.sign(sample.event, body, delivery_id=sample.delivery_id)
        return provider.restamp(signed)
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise ConfigurationError(
            "The body is not what this sender writes.", "Begin with the sample of the event."
        ) from error


def _can_simulate(target: Target) -> bool:
    try:
        target.provider().make(next(iter(target.events), "ping"))
    except ConfigurationError:
        return False
    return True
