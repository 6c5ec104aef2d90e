"""The stories that handlers are put through, from short to long."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from secrets import token_hex
from typing import TYPE_CHECKING, Any, cast

from florentin_webhooks.senders.florentin.samples import SAMPLES

if TYPE_CHECKING:
    from florentin_webhooks.testing.delivery import SignedDelivery
    from florentin_webhooks.testing.prove.stage import Stage

__all__ = ["MOST_POINTS", "Interruption", "Story", "in_order", "once", "stories"]

MOST_POINTS = 40
"""How many points of one delivery are tried at most."""

_IDS = ("id", "number")


@dataclass
class Interruption:
    """What happens at the point *number* of a story: *action*, which returns whether to die."""

    number: int
    action: Callable[[str], bool]
    seen: int = 0

    def __call__(self, place: str) -> bool:
        self.seen += 1
        return self.seen == self.number and self.action(place)

    @property
    def happened(self) -> bool:
        """Whether the story got as far as the point."""
        return self.seen >= self.number


@dataclass(frozen=True)
class Story:
    """A *run* on a stage; each delivery of it counts, so effects happen *times* as often.

    *points*: it is run once for each point at which something can happen.
    """

    name: str
    run: Callable[[Stage, str, int], bool]
    times: int = 1
    points: bool = False


def once(stage: Stage, event: str, _: int = 0) -> bool:
    """Deliver *event* once, without any fault."""
    stage.deliver(make(stage, event))
    stage.settle()
    return True


def stories() -> Iterator[Story]:
    """Yield every story, the shortest first."""
    yield Story("the sender repeats it", _duplicate)
    yield Story("the sender repeats it with a new time", _restamped)
    yield Story("an older one arrives after a newer one", _reordered, times=2)
    yield Story("the process is killed", _killed, points=True)
    yield Story("another process gets it meanwhile", _concurrent, points=True)


def _duplicate(stage: Stage, event: str, _: int) -> bool:
    delivery = make(stage, event)
    stage.deliver(delivery)
    stage.deliver(delivery)
    stage.settle()
    return True


def _restamped(stage: Stage, event: str, _: int) -> bool:
    delivery = make(stage, event)
    stage.deliver(delivery)
    stage.deliver(stage.provider.restamp(delivery))
    stage.settle()
    return True


def _reordered(stage: Stage, event: str, _: int) -> bool:
    older = make(stage, event)
    stage.settle(1 / 60)
    stage.deliver(make(stage, event))
    stage.deliver(older)
    stage.settle()
    return True


def _killed(stage: Stage, event: str, number: int) -> bool:
    def die(place: str) -> bool:
        stage.log.append(f"  The process is killed {place}.")
        return True

    stage.interrupt = interruption = Interruption(number, die)
    once(stage, event)
    return interruption.happened


def _concurrent(stage: Stage, event: str, number: int) -> bool:
    delivery = make(stage, event)

    def deliver(place: str) -> bool:
        stage.log.append(f"  Meanwhile, {place}:")
        stage.deliver(delivery)
        stage.log.append("  The first process goes on.")
        return False

    stage.interrupt = interruption = Interruption(number, deliver)
    stage.deliver(delivery)
    stage.settle()
    return interruption.happened


def in_order(stage: Stage, events: Sequence[str]) -> None:
    """Deliver *events*, all of the same customer, one after the other; then the retries."""
    customer = token_hex(4)
    for event in events:
        stage.deliver(make(stage, event, customer))
    stage.settle()


def make(stage: Stage, event: str, customer: str = "") -> SignedDelivery:
    """Return a delivery of *event* with ids of one *customer*, by default of a new one.

    A database may remember those of earlier stories.
    """
    data = _renew(SAMPLES.get(event, {}), f"-{customer or token_hex(4)}")
    return stage.provider.make(event, **cast("dict[str, Any]", data))


def _renew(value: object, suffix: str, name: str = "") -> object:
    if isinstance(value, Mapping):
        fields = cast("Mapping[str, object]", value)
        return {key: _renew(each, suffix, key) for key, each in fields.items()}
    is_id = name in _IDS or name.endswith("_id")
    return f"{value}{suffix}" if is_id and isinstance(value, str) else value
