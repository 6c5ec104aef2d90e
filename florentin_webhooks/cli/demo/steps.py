"""The steps of the demonstration: what is sent, and what is expected; a table."""

from __future__ import annotations

from dataclasses import replace

from florentin_webhooks.cli.demo.provider import create_customer, read_log
from florentin_webhooks.cli.demo.runner import Step
from florentin_webhooks.cli.demo.settings import DELAYS, LOST_AFTER

__all__ = ["NEXT_DOOR", "PARTS"]

NEXT_DOOR = "Florentin next door"
"""The part that needs a local Florentin."""

_RETRIES = len(DELAYS)
_WAITING = "Waiting for two retries, a second apart."


def _inline(event: str, *runs: str) -> Step:
    return Step(event, event=event, runs=runs, state="done")


def _queued(event: str, *runs: str) -> Step:
    return replace(_inline(event, *runs), status=202, outcome="accepted")


_EVENTS = (
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

_REFUSED = (
    Step(
        "duplicate",
        "The same bytes of the invoice again: the store knows them.",
        make=lambda demo: demo.sent["invoice.created"],
        outcome="duplicate",
    ),
    Step(
        "re-stamped retry",
        "The invoice with a new timestamp and signature: delivery id and content are known.",
        make=lambda demo: demo.provider.restamp(demo.sent["invoice.created"]),
        outcome="duplicate",
    ),
    Step(
        "tampered body",
        "A new invoice, changed after it was signed: it is not even parsed.",
        make=lambda demo: demo.provider.tamper(demo.provider.make("invoice.created")),
        status=401,
        outcome="invalid-signature",
    ),
    Step(
        "replay, new delivery id",
        "The captured invoice under another id, which is not signed: the bytes are known.",
        make=lambda demo: demo.provider.redeliver(demo.sent["invoice.created"]),
        outcome="duplicate",
    ),
    Step(
        "stale event",
        "A genuine event of yesterday that is new here: kept for an operator, not handled.",
        make=lambda demo: demo.stale_provider.make("user.login"),
        status=400,
        outcome="stale",
    ),
    Step(
        "unknown event",
        "A genuine event without a handler: accepted, so that it is not sent again.",
        event="coupon.redeemed",
        outcome="ignored",
    ),
    Step(
        "a handler fails",
        "One of two handlers fails, because the mail server is down: Florentin will retry.",
        event="team_member.added",
        fails=("send_mail", 1),
        status=500,
        outcome="handler-failed",
        runs=("add_seat", "send_mail"),
        finished=("add_seat",),
    ),
    Step(
        "the retry",
        "Florentin sends it again: only the handler that failed runs.",
        make=lambda demo: demo.sent["a handler fails"],
        runs=("send_mail",),
    ),
)

_SECOND_SENDER = (
    Step(
        "a charge of Stripe's",
        "Another receiver with the same store, queue and worker; a handler for charge.*.",
        make=lambda demo: demo.stripe().make("charge.succeeded", amount=4900),
        status=202,
        outcome="accepted",
        runs=("charge",),
        state="done",
        of_stripe=True,
    ),
    Step(
        "its retry",
        "Stripe signs each attempt with its own time: the signed id is known.",
        make=lambda demo: demo.stripe(ahead=1).restamp(demo.sent["a charge of Stripe's"]),
        outcome="duplicate",
        of_stripe=True,
    ),
)

_WORKERS = (
    Step(
        "the worker is killed",
        "kill -9 for the worker and its work-horse, in the middle of a handler. It is restarted. "
        "The last step shows what happens to the event.",
        event="invoice.created",
        act=lambda demo: demo.kill_worker("the worker is killed"),
        fails=("bill", 1),
        status=202,
        outcome="accepted",
        runs=("bill",),
        finished=(),
        state="queued",
        unfinished="was killed",
    ),
    Step(
        "a database is away",
        "The handler fails twice and is retried, without another request of Florentin.",
        event="usage.metrics_updated",
        fails=("meter", _RETRIES),
        status=202,
        outcome="accepted",
        runs=("meter",) * (_RETRIES + 1),
        finished=("meter",),
        state="done",
        waiting=_WAITING,
    ),
    Step(
        "a poison event",
        "A handler with a bug fails each time: after the last retry the event is a dead letter, "
        "kept with its body.",
        event="tos.accepted",
        fails=("file_terms", _RETRIES + 1),
        status=202,
        outcome="accepted",
        runs=("file_terms",) * (_RETRIES + 1),
        finished=(),
        state="dead",
        waiting=_WAITING,
    ),
    Step(
        "it is requeued",
        "The bug is fixed. An operator runs: florentin-webhooks dead requeue.",
        act=lambda demo: demo.requeue("a poison event"),
        status=0,
        outcome="accepted",
        runs=("file_terms",),
        state="done",
    ),
    Step(
        "the killed event",
        "Another worker has run it from the beginning, after the lease expired.",
        act=lambda demo: demo.await_killed(),
        status=0,
        outcome="done",
        runs=("bill",),
        state="done",
        waiting="Waiting until the lease of the killed worker expires, 14 s after it began. Here a "
        f"worker counts as lost after {LOST_AFTER} s; usually this takes minutes.",
    ),
)

_PROVIDER = (
    Step(
        "curl creates an account",
        "The request of Florentin's documentation, to a local Florentin: it sends account.created, "
        "whose handler asks its API for the customer.",
        act=create_customer,
        status=201,
        outcome="created",
        runs=("call_back",),
        state="done",
    ),
    Step(
        "Florentin's log",
        "The sender's side has the delivery as delivered.",
        act=read_log,
        outcome="delivered",
        state="done",
    ),
)

PARTS = {
    "Ten genuine events: verified, typed, handled": _EVENTS,
    "What must not run twice, or not at all": _REFUSED,
    "A second sender": _SECOND_SENDER,
    "What workers do: retries, dead letters, crashes": _WORKERS,
    NEXT_DOOR: _PROVIDER,
}
"""The steps by the titles of their parts. 200: handled before the reply; 202: by a worker."""
