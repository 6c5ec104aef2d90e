"""What the demonstration sends, and what must come of it: a table, checked line by line."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from florentin_webhooks.cli.attempts import Maker
    from florentin_webhooks.cli.demo.shop import Record
    from florentin_webhooks.testing import Made

__all__ = ["EVENTS", "TROUBLE", "Scene", "Step"]


@dataclass(slots=True)
class Scene:
    """Hold who makes deliveries, what the shop does, and what was sent under which title."""

    maker: Maker
    record: Record
    sent: dict[str, Made] = field(default_factory=dict[str, "Made"])


@dataclass(frozen=True, slots=True)
class Step:
    """Hold one request: what is sent, why, and what is expected.

    *runs* names the handlers that must be called, in their order; *failing* those of them that
    must not finish.
    """

    title: str
    why: str
    make: Callable[[Scene], Made]
    status: int = 200
    outcome: str = "processed"
    runs: tuple[str, ...] = ()
    failing: tuple[str, ...] = ()


def _genuine(event: str, *runs: str) -> Step:
    return Step(event, "", lambda scene: scene.maker.new(event), runs=runs)


def _while_mail_is_down(scene: Scene) -> Made:
    scene.record.mail_is_down = True
    return scene.maker.new("team_member.added")


EVENTS = (
    _genuine("account.created", "welcome"),
    _genuine("user.login", "greet"),
    _genuine("subscription.purchased", "open_plan"),
    _genuine("subscription.upgraded", "raise_plan"),
    _genuine("subscription.downgraded", "lower_plan"),
    _genuine("subscription.cancelled", "end_plan"),
    _genuine("invoice.created", "bill"),
    _genuine("team_member.added", "add_seat", "send_mail"),
    _genuine("tos.accepted", "file_terms"),
    _genuine("usage.metrics_updated", "meter"),
)
"""The ten events, each with the handlers that want it."""

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
        lambda scene: scene.maker.restamped(scene.sent["invoice.created"]),
        outcome="duplicate",
    ),
    Step(
        "tampered body",
        "A new invoice, changed after it was signed: nothing in it is even parsed.",
        lambda scene: scene.maker.tampered(scene.maker.new("invoice.created")),
        status=401,
        outcome="invalid-signature",
    ),
    Step(
        "replay, new delivery id",
        "The captured invoice under another id, which nobody signed: the bytes are known.",
        lambda scene: scene.maker.replayed(scene.sent["invoice.created"]),
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
        _while_mail_is_down,
        status=500,
        outcome="handler-failed",
        runs=("add_seat", "send_mail"),
        failing=("send_mail",),
    ),
    Step(
        "the retry",
        "Florentin sends it again: only the handler that failed runs.",
        lambda scene: scene.sent["a handler fails"],
        runs=("send_mail",),
    ),
)
"""What goes wrong on a bad day, and what attackers try."""
