"""The same deliveries, honest and hostile, through every mount: one verdict, to the byte."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import NamedTuple

import pytest

from florentin_webhooks import Delivery, MemoryStore, Receiver, Reply
from florentin_webhooks.deliveries import Outcome
from florentin_webhooks.errors import Unavailable
from florentin_webhooks.events import CATALOGUE, Event
from florentin_webhooks.samples import sample
from florentin_webhooks.stores import Operation
from tests.helpers.mounts import MOUNTS, Mount
from tests.helpers.receivers import A, Target
from tests.helpers.vectors import CANONICAL, Attack, Request, attacks, delivery, envelope

each_mount = pytest.mark.parametrize("mount", MOUNTS.values(), ids=MOUNTS)


class Case(NamedTuple):
    """What is sent, one after the other, and what each of it must come to."""

    requests: list[Request]
    outcomes: list[str]
    build: Callable[[], Receiver] = lambda: Target().receiver


class Gone(MemoryStore):
    """A store that gives no answer, to anybody."""

    def execute(self, _: Operation[A], /) -> A:
        raise Unavailable("gone")


class Flaky:
    """Handlers of which one fails at the first attempt."""

    def __init__(self) -> None:
        self.attempts = 0

    def receiver(self) -> Receiver:
        """A receiver with them."""
        receiver = Target(handled=False).receiver
        receiver.on(Event)(self.first)
        receiver.on(Event)(self.second)
        return receiver

    def first(self, _: Event) -> None:
        """Fail once."""
        self.attempts += 1
        if self.attempts == 1:
            raise SystemExit

    async def second(self, _: Event, delivery: Delivery) -> None:
        """Succeed always."""
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
    "a retry that was stamped anew": Case(
        [delivery(), delivery(CANONICAL.replace(b"00.000Z", b"30.000Z"))],
        ["processed", "duplicate"],
    ),
    "an event that nobody wants": Case(
        [delivery()], ["ignored"], lambda: Target(handled=False).receiver
    ),
    "an event that nobody knows": Case(
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


def expected(reply: Reply) -> tuple[int, str, bytes]:
    return reply.status, reply.outcome.value, reply.body


@each_mount
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_mount_gives_each_delivery_its_outcome(mount: Mount, case: Case) -> None:
    receiver = case.build()
    answers = [mount(receiver, request) for request in case.requests]
    assert [answer.outcome for answer in answers] == case.outcomes
    assert [answer.status for answer in answers] == [Outcome(o).status for o in case.outcomes]


@each_mount
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_mount_writes_the_reply_of_the_receiver_to_the_byte(mount: Mount, case: Case) -> None:
    receiver, reference = case.build(), case.build()
    for request in case.requests:
        answer = mount(receiver, request)
        refused = reference.screen(request.method, request.headers)
        reply = refused or reference.receive(request.headers, request.body)
        assert (answer.status, answer.outcome, answer.body) == expected(reply)
        assert {n.lower(): v for n, v in reply.headers}.items() <= answer.headers.items()


@each_mount
@pytest.mark.parametrize("attack", list(attacks()), ids=lambda attack: attack.name)
def test_a_mount_gives_each_attack_its_outcome(mount: Mount, attack: Attack) -> None:
    target = Target(now=attack.now)
    if attack.before is not None:
        mount(target.receiver, attack.before)
    answer = mount(target.receiver, attack.request)
    assert (answer.outcome, answer.status) == (attack.outcome, Outcome(attack.outcome).status)


@each_mount
def test_a_mount_tells_the_fingerprint_of_what_it_settled(mount: Mount) -> None:
    answer = mount(Target().receiver, delivery())
    assert sha256(CANONICAL).hexdigest()[:32].encode() in answer.body


@each_mount
def test_a_mount_says_which_method_is_allowed(mount: Mount) -> None:
    answer = mount(Target().receiver, delivery()._replace(method="GET"))
    assert answer.headers["allow"] == "POST"


@each_mount
def test_a_mount_says_when_to_come_again(mount: Mount) -> None:
    answer = mount(Target(store=Gone()).receiver, delivery())
    assert int(answer.headers["retry-after"]) > 0


@each_mount
def test_a_mount_forbids_that_its_answers_are_kept_or_guessed_at(mount: Mount) -> None:
    answer = mount(Target().receiver, delivery())
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/json"


def test_every_outcome_that_a_delivery_can_have_is_among_the_cases() -> None:
    of_mounts = {outcome for case in CASES.values() for outcome in case.outcomes}
    covered = of_mounts | {attack.outcome for attack in attacks()}
    elsewhere = {
        "accepted",  # needs a queue
        "in-progress",  # needs two at once: the conformance suite of the stores
        "read-timeout",  # needs a slow sender: integration
        "body-unavailable",  # needs a program that reads the body: integration
    }
    assert covered == {outcome.value for outcome in Outcome} - elsewhere
