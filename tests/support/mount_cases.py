"""Deliveries that every mount must treat alike: requests, receivers and outcomes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from florentin_webhooks import Delivery, MemoryStore, Receiver
from florentin_webhooks.core.stores.base import Operation
from florentin_webhooks.errors import Unavailable
from florentin_webhooks.events import CATALOGUE, Event
from florentin_webhooks.senders.florentin.samples import sample
from tests.support.receivers import A, Target
from tests.support.vectors import CANONICAL, Attack, Request, attacks, delivery, envelope


class Case(NamedTuple):
    """Deliveries in their order, and the outcome of each."""

    requests: list[Request]
    outcomes: list[str]
    build: Callable[[], Receiver] = lambda: Target().receiver


class Gone(MemoryStore):
    """A store that never answers."""

    def execute(self, _: Operation[A], /) -> A:
        raise Unavailable("gone")


class Flaky:
    """Two handlers, of which one fails at the first attempt."""

    def __init__(self) -> None:
        self.attempts = 0

    def receiver(self) -> Receiver:
        receiver = Target(handled=False).receiver
        receiver.on(Event)(self.first)
        receiver.on(Event)(self.second)
        return receiver

    def first(self, _: Event) -> None:
        self.attempts += 1
        if self.attempts == 1:
            raise SystemExit

    async def second(self, _: Event, delivery: Delivery) -> None:
        assert delivery.secret == "secret-1"


def event(name: str) -> Request:
    return delivery(envelope(sample(name), name), event=name)


def unread(name: str, value: str) -> Request:
    return delivery().with_headers((name, value))


CASES: dict[str, Case] = {
    **{name: Case([event(name)], ["processed"]) for name in CATALOGUE},
    "a duplicate": Case([delivery()] * 3, ["processed", "duplicate", "duplicate"]),
    "a replay under another id": Case(
        [delivery(), delivery(delivery_id="other")], ["processed", "duplicate"]
    ),
    "a retry with a new timestamp": Case(
        [delivery(), delivery(CANONICAL.replace(b"00.000Z", b"30.000Z"))],
        ["processed", "duplicate"],
    ),
    "an event without a handler": Case(
        [delivery()], ["ignored"], lambda: Target(handled=False).receiver
    ),
    "an unknown event": Case(
        [delivery(envelope({}, "moon.landed"), event="moon.landed")], ["processed"]
    ),
    "a handler that fails once": Case(
        [delivery()] * 3,
        ["handler-failed", "processed", "duplicate"],
        lambda: Flaky().receiver(),
    ),
    "a store that is gone": Case(
        [delivery()],
        ["unavailable"],
        lambda: Target(store=Gone()).receiver,
    ),
    "a store that is full": Case(
        [event("user.login"), delivery()],
        ["processed", "unavailable"],
        lambda: Target(store=MemoryStore(capacity=1)).receiver,
    ),
    "a malformed delivery, then the right one": Case(
        [delivery(CANONICAL[:-1]), delivery()], ["malformed", "processed"]
    ),
    "a body of the limit and one above": Case(
        [delivery(CANONICAL + b" " * extra) for extra in (831, 832)],
        ["processed", "too-large"],
        lambda: Target(max_body=1_000).receiver,
    ),
    "a declared length above the limit": Case([unread("Content-Length", "1048577")], ["too-large"]),
    **{
        f"Content-Encoding {value or 'empty'}": Case([unread("Content-Encoding", value)], [outcome])
        for value, outcome in {
            "gzip": "unsupported-encoding",
            "deflate": "unsupported-encoding",
            "br": "unsupported-encoding",
            "gzip, gzip": "unsupported-encoding",
            "identity, gzip": "unsupported-encoding",
            "\xe9": "unsupported-encoding",
            "identity": "processed",
            "Identity": "processed",
            "": "processed",
        }.items()
    },
    **{
        f"Content-Type {value[:20]}": Case([unread("Content-Type", value)], ["processed"])
        for value in (
            "application/json; charset=utf-8",
            "application/json; charset=nope",
            "application/problem+json",
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "\xff",
        )
    },
    "no Content-Type": Case([delivery().without("Content-Type")], ["processed"]),
    "no header but the signature": Case(
        [delivery()._replace(headers=delivery().headers[-1:])], ["processed"]
    ),
    "500 other headers": Case(
        [delivery().with_headers(*((f"X-{n}", "v" * 100) for n in range(500)))], ["processed"]
    ),
    **{
        f"method {method}": Case([delivery()._replace(method=method)], ["method-not-allowed"])
        for method in ("GET", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "post")
    },
}


def _attacked(attack: Attack) -> Receiver:
    return Target(now=attack.now).receiver


ATTACKS: dict[str, Case] = {
    attack.name: Case(
        [*([attack.before] if attack.before else []), attack.request],
        [*(["processed"] if attack.before else []), attack.outcome],
        partial(_attacked, attack),
    )
    for attack in attacks()
}
