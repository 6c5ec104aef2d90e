"""What the demonstration sends, and what must come of it: a table, checked line by line."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from florentin_webhooks.cli.demo.settings import DELAYS, LOST_AFTER

if TYPE_CHECKING:
    from collections.abc import Callable

    from florentin_webhooks.cli.demo.context import DemoContext, StepReply
    from florentin_webhooks.testing.provider import SignedDelivery

__all__ = ["EVENTS", "TROUBLE", "WORKERS", "Step"]

_CUT = "the worker is killed"
_POISON = "a poison event"


@dataclass(frozen=True, slots=True)
class Step:
    """Hold one request: what is sent, why, and what is expected.

    *runs* names the handlers that must be called, in their order; *finished* those that must do
    their work, by default all. *act* is what is done instead of sending; *state* what the store
    must remember in the end; *waiting* what the reader is told meanwhile; *unfinished* how to name
    a run that came to nothing.
    """

    title: str
    why: str
    make: Callable[[DemoContext], SignedDelivery] | None = None
    status: int = 200
    outcome: str = "processed"
    runs: tuple[str, ...] = ()
    finished: tuple[str, ...] | None = None
    state: str = ""
    act: Callable[[DemoContext], StepReply] | None = None
    waiting: str = ""
    unfinished: str = "failed"

    def perform(self, scene: DemoContext) -> StepReply:
        """Do it."""
        if self.make is not None:
            scene.sent[self.title] = self.make(scene)
        if self.act is not None:
            return self.act(scene)
        return scene.send(scene.sent[self.title])


def _queued(event: str, *runs: str) -> Step:
    make = _maker(event)
    return Step(event, "", make, 202, "accepted", runs, state="done")


def _inline(event: str, *runs: str) -> Step:
    return Step(event, "", _maker(event), runs=runs, state="done")


def _maker(
    event: str, trouble: str = "", times: int = 1
) -> Callable[[DemoContext], SignedDelivery]:
    def make(scene: DemoContext) -> SignedDelivery:
        if trouble:
            scene.record.prepare(trouble, times)
        return scene.maker.new(event)

    return make


def _repair(scene: DemoContext) -> StepReply:
    scene.record.repair("terms are misread")
    return scene.revive(_POISON)


EVENTS = (
    _queued("account.created", "welcome"),
    _queued("user.login", "greet"),
    _inline("subscription.purchased", "open_plan"),
    _inline("subscription.upgraded", "raise_plan"),
    _inline("subscription.downgraded", "lower_plan"),
    _inline("subscription.cancelled", "end_plan"),
    _queued("invoice.created", "bill"),
    _inline("team_member.added", "add_seat", "send_mail"),
    _queued("tos.accepted", "file_terms"),
    _queued("usage.metrics_updated", "meter"),
)
"""The ten events: 200 where handlers ran before the answer, 202 where a worker ran them."""

TROUBLE = (
    Step(
        "duplicate",
        "The invoice from above, the same bytes again: the store remembers them.",
        lambda scene: scene.sent["invoice.created"],
        outcome="duplicate",
    ),
    Step(
        "re-stamped retry",
        "The invoice again, with a new timestamp and signature: delivery id and content "
        "give it away.",
        lambda scene: scene.maker.restamp(scene.sent["invoice.created"]),
        outcome="duplicate",
    ),
    Step(
        "tampered body",
        "A new invoice, changed after it was signed: nothing in it is even parsed.",
        lambda scene: scene.maker.tamper(scene.maker.new("invoice.created")),
        status=401,
        outcome="invalid-signature",
    ),
    Step(
        "replay, new delivery id",
        "The captured invoice under another id, which nobody signed: the bytes are known.",
        lambda scene: scene.maker.replay(scene.sent["invoice.created"]),
        outcome="duplicate",
    ),
    Step(
        "stale event",
        "Genuine, but stamped a day ago and never seen: kept for you to release, not run.",
        lambda scene: scene.maker.new("user.login", age=timedelta(days=1)),
        status=400,
        outcome="stale",
    ),
    Step(
        "unknown event",
        "Genuine, of a type that no handler wants: taken, so that it is not sent again.",
        lambda scene: scene.maker.new("coupon.redeemed"),
        outcome="ignored",
    ),
    Step(
        "a handler fails",
        "Two handlers want it, and the mail server is down for one: Florentin shall retry.",
        _maker("team_member.added", "mail is down"),
        status=500,
        outcome="handler-failed",
        runs=("add_seat", "send_mail"),
        finished=("add_seat",),
    ),
    Step(
        "the retry",
        "Florentin sends it again: only the handler that failed runs.",
        lambda scene: scene.sent["a handler fails"],
        runs=("send_mail",),
    ),
)
"""What goes wrong on a bad day, and what attackers try."""

WORKERS = (
    Step(
        _CUT,
        "kill -9 for the worker and its work-horse, in the middle of a handler. Another worker "
        "starts. What becomes of the event stands below.",
        _maker("invoice.created", "bill takes long"),
        status=202,
        outcome="accepted",
        runs=("bill",),
        finished=(),
        state="queued",
        act=lambda scene: scene.send_and_kill(scene.sent[_CUT]),
        unfinished="was cut off",
    ),
    Step(
        "a database is away",
        "The handler fails twice and is tried again: only Florentin's first request was needed.",
        _maker("usage.metrics_updated", "database is away", len(DELAYS)),
        status=202,
        outcome="accepted",
        runs=("meter",) * (len(DELAYS) + 1),
        finished=("meter",),
        state="done",
        waiting="Waiting for two retries, a second apart.",
    ),
    Step(
        _POISON,
        "A handler with a bug never gets through: after the last retry the event is dead, and "
        "kept with its body.",
        _maker("tos.accepted", "terms are misread", 1000),
        status=202,
        outcome="accepted",
        runs=("file_terms",) * (len(DELAYS) + 1),
        finished=(),
        state="dead",
        waiting="Waiting for two retries, a second apart.",
    ),
    Step(
        "it is revived",
        "The bug is repaired, and an operator types: florentin-webhooks dead replay.",
        status=0,
        outcome="accepted",
        runs=("file_terms",),
        state="done",
        act=_repair,
    ),
    Step(
        "the event that was cut",
        "The next worker has run it, from the beginning, once the killed one's lease was over.",
        status=0,
        outcome="done",
        runs=("bill",),
        state="done",
        act=lambda scene: scene.await_cut(),
        waiting="Waiting until the lease of the killed worker is over, 12 s after it began. A "
        f"worker counts as lost after {LOST_AFTER} s here; usually all this takes minutes.",
    ),
)
"""What the workers see to: retries, dead events, and workers that die."""
