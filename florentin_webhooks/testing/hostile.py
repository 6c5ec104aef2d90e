"""Deliveries as an attacker, a bad network and a clumsy sender send them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from florentin_webhooks.testing.delivery import SignedDelivery
    from florentin_webhooks.testing.kit.results import DeliveryResult
    from florentin_webhooks.testing.kit.webhooks import Webhooks

__all__ = ["KINDS", "HostileDeliveries", "Step"]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a *kind*; it may use the delivery *index* of those before, or new *data*."""

    kind: str
    index: int = 0
    data: Mapping[str, Any] = field(default_factory=dict[str, Any])  # Any: JSON.


@dataclass(frozen=True, slots=True)
class HostileDeliveries:
    """A sequence of deliveries of one event; the first one is genuine."""

    event: str
    steps: tuple[Step, ...]

    @property
    def genuine(self) -> int:
        """How many different deliveries the sender has sent: each one counts once."""
        return 1 + sum(_GENUINE.get(step.kind, 0) for step in self.steps)

    def send(self, webhooks: Webhooks) -> list[DeliveryResult]:
        """Send everything, and return the results."""
        start = len(webhooks.results)
        sent = [webhooks.deliver(self.event).delivery]
        for step in self.steps:
            _STEPS[step.kind](webhooks, self.event, step, sent)
        return webhooks.results[start:]


def _new(webhooks: Webhooks, event: str, step: Step, sent: list[SignedDelivery]) -> None:
    sent.append(webhooks.deliver(event, **step.data).delivery)


def _overtaken(webhooks: Webhooks, event: str, step: Step, sent: list[SignedDelivery]) -> None:
    """Send an older delivery after a newer one."""
    older = webhooks.make(event, **step.data)
    webhooks.wait(seconds=1)
    sent += [webhooks.deliver(event).delivery, webhooks.send(older).delivery]


def _again(change: Callable[[Webhooks, SignedDelivery], SignedDelivery]) -> Any:  # Any: as _new.
    """Return a step that sends an earlier delivery with a *change*."""

    def step(webhooks: Webhooks, _: str, step: Step, sent: list[SignedDelivery]) -> None:
        webhooks.send(change(webhooks, sent[step.index % len(sent)]))

    return step


def _unsign(_: Webhooks, made: SignedDelivery) -> SignedDelivery:
    """Return *made* without any header of the sender."""
    kept = {name: value for name, value in made.headers.items() if name == "Content-Type"}
    return made.of(kept, made.body, made.event, made.delivery_id)


_STEPS = {
    "new": _new,
    "overtaken": _overtaken,
    "duplicate": _again(lambda _, made: made),
    "other-id": _again(lambda webhooks, made: webhooks.provider.redeliver(made)),
    "restamped": _again(lambda webhooks, made: webhooks.provider.restamp(made)),
    "tampered": _again(lambda webhooks, made: webhooks.provider.tamper(made)),
    "unsigned": _again(_unsign),
}

KINDS = tuple(_STEPS)
"""What a step can be."""

_GENUINE = {"new": 1, "overtaken": 2}
