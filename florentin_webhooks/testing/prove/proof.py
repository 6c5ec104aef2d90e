"""The proof of a program: each of its events through each story, and what its effects became."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from florentin_webhooks.testing.prove.stage import Count, Stage
from florentin_webhooks.testing.prove.stories import MOST_POINTS, Story, in_order, once, stories

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from florentin_webhooks.core.receiver import Receiver
    from florentin_webhooks.testing.prove.patches import NamedEffect

_ALL = "all events"

__all__ = ["EventProof", "Finding", "handled_events", "prove_event", "prove_order"]


@dataclass(frozen=True, slots=True)
class Finding:
    """An effect that a story shows *times* instead of *expected* times, by these *steps*."""

    count: Count
    times: int
    expected: int
    story: str
    steps: tuple[str, ...]

    @property
    def kind(self) -> str:
        """Whether it happened too often, or too rarely."""
        return "doubled" if self.times > self.expected else "lost"

    def __str__(self) -> str:
        often = f"{self.times} times" if self.times else "never"
        often = f"{often} instead of {self.expected}" if self.expected > 1 else often
        return f"{self.count.effect} happened {often}, where {self.story}"


@dataclass(slots=True)
class EventProof:
    """What the stories of one *event* showed.

    *expected* has how often each effect happens without a fault; *errors* what failed without one.
    """

    event: str
    expected: Mapping[Count, int] = field(default_factory=dict[Count, int])
    errors: tuple[str, ...] = ()
    runs: int = 0
    findings: list[Finding] = field(default_factory=list[Finding])

    def smallest(self) -> list[Finding]:
        """Return the shortest finding of each kind for each effect."""
        found: dict[tuple[Count, str], Finding] = {}
        for each in sorted(self.findings, key=lambda finding: len(finding.steps)):
            found.setdefault((each.count, each.kind), each)
        return list(found.values())


def handled_events(receiver: Receiver[object]) -> list[str]:
    """Return the names of the events that a handler wants."""
    router = receiver.router
    patterns = {handler.pattern for handler in router.handlers if handler.pattern}
    named = [name for name in receiver.models if router.match(receiver.model(name), name)]
    return [*named, *sorted(each for each in patterns if "*" not in each and each not in named)]


def prove_event(
    receiver: Receiver[object], event: str, named: Sequence[NamedEffect], *, strict: bool = False
) -> EventProof:
    """Put the handlers of *event* through every story, and return what became of their effects."""
    with ExitStack() as stack:
        stage = Stage(stack, receiver, named)
        once(stage, event)
        proof = EventProof(event, stage.counts(), tuple(dict.fromkeys(stage.errors)), 1)
    if proof.errors or not proof.expected:
        return proof
    ordered = _ordered_handlers(receiver)
    for story in stories():
        for stage in _runs(receiver, event, story, named, strict=strict):
            proof.runs += 1
            proof.findings += _judge(proof.expected, stage, story, ordered)
    return proof


def prove_order(
    receiver: Receiver[object], events: Sequence[str], named: Sequence[NamedEffect]
) -> EventProof:
    """Deliver all *events* in reverse, and compare their effects with those in order."""
    stages: list[Stage] = []
    for each in (events, events[::-1]):
        with ExitStack() as stack:
            stages.append(Stage(stack, receiver, named))
            in_order(stages[-1], each)
    first, second = stages
    proof = EventProof(_ALL, first.counts(), tuple(dict.fromkeys(first.errors)), 2)
    ordered = _ordered_handlers(receiver)
    story = Story("the events arrive in reverse order", once)
    for finding in _judge(proof.expected, second, story, ordered):
        if finding.kind == "doubled" or finding.count.handler not in ordered:
            proof.findings.append(finding)
    return proof


def _runs(
    receiver: Receiver[object],
    event: str,
    story: Story,
    named: Sequence[NamedEffect],
    *,
    strict: bool,
) -> Iterator[Stage]:
    """Yield the stage of each run of *story*: one, or one for each point."""
    for number in range(1, MOST_POINTS + 1 if story.points else 2):
        with ExitStack() as stack:
            stage = Stage(stack, receiver, named)
            stage.strict = strict
            if not story.run(stage, event, number):
                return
        yield stage


def _judge(
    expected: Mapping[Count, int], stage: Stage, story: Story, ordered: frozenset[str]
) -> Iterator[Finding]:
    counts = stage.counts()
    for count in dict.fromkeys([*expected, *counts]):
        times, wanted = counts.get(count, 0), expected.get(count, 0) * story.times
        is_superseded = story.times > 1 and count.handler in ordered and times < wanted
        if times != wanted and not is_superseded:
            yield Finding(count, times, wanted, story.name, tuple(stage.log))


def _ordered_handlers(receiver: Receiver[object]) -> frozenset[str]:
    """Return the names of the handlers that skip older events."""
    return frozenset(each.name for each in receiver.router.handlers if each.options.latest)
