"""Guards in memory, at times that a test sets."""

from __future__ import annotations

from florentin_webhooks.core.stores.guards import (
    GuardDecision,
    GuardGrant,
    GuardStep,
    Latest,
    Once,
)
from florentin_webhooks.core.stores.memory_guards import MemoryGuards

RUN = GuardGrant(GuardDecision.RUN)


def once(step: GuardStep, token: bytes = b"first", label: str = "mail") -> Once:
    return Once(b"key", label, token, step, seconds=10)


def latest(step: GuardStep, timestamp: int, token: bytes = b"first") -> Latest:
    return Latest(b"entity", timestamp, token, step, seconds=10)


def test_second_token_is_busy_until_the_guard_expires() -> None:
    guards = MemoryGuards(retention=1000)
    assert guards.decide(once(GuardStep.BEGIN), now=0) == RUN
    busy = guards.decide(once(GuardStep.BEGIN, b"second"), now=4)
    assert busy == GuardGrant(GuardDecision.BUSY, 6)
    assert guards.decide(once(GuardStep.BEGIN, b"second"), now=10) == RUN


def test_labels_are_independent() -> None:
    guards = MemoryGuards(retention=1000)
    guards.decide(once(GuardStep.BEGIN), now=0)
    assert guards.decide(once(GuardStep.BEGIN, b"second", "crm"), now=0) == RUN


def test_done_block_does_not_run_again() -> None:
    guards = MemoryGuards(retention=1000)
    guards.decide(once(GuardStep.BEGIN), now=0)
    guards.decide(once(GuardStep.DONE), now=1)
    assert guards.decide(once(GuardStep.BEGIN, b"second"), now=2).decision is GuardDecision.DONE


def test_guard_is_dropped_after_the_retention() -> None:
    guards = MemoryGuards(retention=100)
    guards.decide(once(GuardStep.BEGIN), now=0)
    guards.decide(once(GuardStep.DONE), now=0)
    assert guards.decide(once(GuardStep.BEGIN, b"second"), now=99).decision is GuardDecision.DONE
    # Each decision extends the retention.
    assert guards.decide(once(GuardStep.BEGIN, b"second"), now=250) == RUN
    assert len(guards._guards) == 1


def test_older_event_is_superseded_once_a_newer_one_is_done() -> None:
    guards = MemoryGuards(retention=1000)
    guards.decide(latest(GuardStep.BEGIN, 20), now=0)
    guards.decide(latest(GuardStep.DONE, 20), now=0)
    older = guards.decide(latest(GuardStep.BEGIN, 19, b"second"), now=1)
    assert older.decision is GuardDecision.SUPERSEDED
    assert guards.decide(latest(GuardStep.BEGIN, 20, b"second"), now=1) == RUN


def test_released_event_supersedes_nothing() -> None:
    guards = MemoryGuards(retention=1000)
    guards.decide(latest(GuardStep.BEGIN, 20), now=0)
    guards.decide(latest(GuardStep.RELEASE, 20), now=0)
    assert guards.decide(latest(GuardStep.BEGIN, 19, b"second"), now=1) == RUN
