"""Any schedule of senders, workers, operators and time, against a model of what is guaranteed.

A delivery is never lost, no handler whose end is recorded runs again, no two processes run it at
the same time, and an honest retry gets through: also while operators replay, secrets rotate, leases
expire and late owners finish.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count

import pytest
from hypothesis import strategies as st

from florentin_webhooks.core.stores.accept import Accept, AcceptDecision, Claim, Finish
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.queries import ResetMode, ResetRecord
from florentin_webhooks.protocol.fingerprint import Identity
from florentin_webhooks.senders.florentin.envelope import retry_content
from tests.support.schedules import check_schedules
from tests.support.stores import IMPLEMENTATIONS, LOOKING, Span, Subject, content, delivery

LEASE, RETENTION = 60.0, 3600.0
HANDLERS = ("a", "b", "c")
OLD, NEW = {"old": b"the-old-secret-of-acme"}, {"new": b"the-new-secret-of-acme"}
BEFORE, ROTATED = Identity.of(OLD), Identity.of(NEW | OLD)
RESETS = [(ResetMode.ALL, ()), (ResetMode.ALL, ("a",)), (ResetMode.DROP, ())]
QUICK = ("memory-history", "redis", "django-sqlite")
EVERY = tuple(name for name in LOOKING if name != "cluster")  # Whose lanes know their own ids.

seen = st.sampled_from([None, State.DONE, State.FAILED, State.RUNNING])
number = st.integers(1, 2)
actions = st.one_of(
    st.tuples(st.just("arrive"), number, st.sampled_from(["12:00:00", "12:00:30"]), st.booleans()),
    st.tuples(st.sampled_from(["end", "end", "fail", "repeat"]), st.integers(0, 3)),
    st.tuples(st.just("rotate")),
    st.tuples(st.just("passes"), st.sampled_from([25.0, LEASE + 1])),
    st.tuples(st.just("reset"), number, st.sampled_from(RESETS), seen),
)


@dataclass
class Owner:
    """A process with a delivery: what it has yet to run, its token, and what it sent last."""

    number: int
    token: bytes
    key: bytes
    left: list[str]
    sent: Finish | None = None


@dataclass
class Known:
    """What must be known of a delivery: how it stands, whose it is until when, what has ended."""

    state: State | None = None
    token: bytes = b""
    until: float = 0.0
    ended: set[str] = field(default_factory=set[str])
    key: bytes = b""


class Schedule:
    """One store, and what the model expects of it."""

    def __init__(self, store: Subject) -> None:
        self.store, self.now, self.tokens = store, 0.0, count()
        self.owners, self.identity = list[Owner](), BEFORE
        self.known = {1: Known(), 2: Known()}

    def arrive(self, number: int, stamped: str, is_new: bool) -> AcceptDecision:
        """Deliver it, and compare the decision; the caller who may run it owns it from now on."""
        known, token = self.known[number], b"%08d" % next(self.tokens)
        is_new = is_new and self.identity is ROTATED
        claim = self.store.accept(arrival(self.identity, number, stamped, token, is_new=is_new))
        if known.state is State.DONE:
            assert claim.decision is AcceptDecision.DUPLICATE
        elif known.state is State.RUNNING and known.until > self.now:
            assert claim.decision is AcceptDecision.IN_PROGRESS
        else:
            self._own(number, claim, token)
        return claim.decision

    def _own(self, number: int, claim: Claim, token: bytes) -> None:
        known = self.known[number]
        assert claim.decision is AcceptDecision.RUN
        assert claim.done == known.ended
        assert known.key in (b"", claim.key)
        known.state, known.token, known.until = State.RUNNING, token, self.now + LEASE
        known.key = claim.key
        left = [each for each in HANDLERS if each not in claim.done]
        self.owners.append(Owner(number, token, claim.key, left))

    def end(self, at: int) -> None:
        """The next handler of an owner ends, in time or late; the last one ends the delivery."""
        if not self.owners:
            return
        owner = self.owners[at % len(self.owners)]
        if owner.left:
            handler = owner.left.pop(0)
            state = State.RUNNING if owner.left else State.DONE
            self._finish(owner, Finish(owner.key, owner.token, state, handler))

    def fail(self, at: int) -> None:
        if self.owners:
            owner = self.owners[at % len(self.owners)]
            owner.left.clear()
            self._finish(owner, Finish(owner.key, owner.token, State.FAILED, reason="a: E"))

    def repeat(self, at: int) -> None:
        """An owner sends again what it sent last: the answer was lost."""
        if self.owners and (owner := self.owners[at % len(self.owners)]).sent:
            self._finish(owner, owner.sent)

    def _finish(self, owner: Owner, finish: Finish) -> None:
        owner.sent, known = finish, self.known[owner.number]
        answer = self.store.finish(finish)
        if known.state is State.DONE:
            assert answer is State.DONE
        elif known.state is not State.RUNNING or known.token != owner.token:
            assert answer is State.LOST
        else:
            assert answer is finish.state
            known.state, known.until = finish.state, self.now + LEASE
            known.ended |= {finish.handler} if finish.handler else set()

    def rotate(self) -> None:
        """The receiver gets a new secret, and keeps the old one."""
        self.identity = ROTATED

    def passes(self, seconds: float) -> None:
        self.now += seconds
        self.store.passes(seconds)

    def reset(
        self, number: int, how: tuple[ResetMode, tuple[str, ...]], seen: State | None
    ) -> None:
        """An operator replays all handlers or one, or discards the delivery, as it was *seen*."""
        known, (mode, handlers) = self.known[number], how
        is_running = known.state is State.RUNNING and known.until > self.now
        expected = None if is_running or seen not in (None, known.state) else known.state
        reset = ResetRecord(known.key or bytes(16), mode, (), handlers, seen)
        assert self.store.ask(reset) is expected
        if expected is None:
            return
        known.state = State.DONE if mode is ResetMode.DROP else State.FAILED
        known.token = b""
        if mode is ResetMode.ALL:
            known.ended -= {*(handlers or HANDLERS)}

    def heal(self) -> None:
        """The processes die, and the sender tries again: everything ends, once."""
        self.passes(LEASE + 1)
        for number in self.known:
            if self.arrive(number, "12:00:00", is_new=True) is AcceptDecision.RUN:
                while self.owners[-1].left:
                    self.end(len(self.owners) - 1)
            assert self.arrive(number, "12:00:30", is_new=True) is AcceptDecision.DUPLICATE
        for owner in range(len(self.owners)):
            self.repeat(owner)


def arrival(identity: Identity, number: int, stamped: str, token: bytes, *, is_new: bool) -> Accept:
    """A delivery to a receiver with *identity*, signed with the new secret or the old one."""
    body, sent_under = content(number, stamped=stamped), f"id-{number}"
    secret = "new" if is_new else "old"
    key_id, digest, key = identity.identify(secret, body, None)
    shared = retry_content(sent_under, body)
    made = replace(delivery(body, sent_under), key_id=key_id, digest=digest, secret=secret)
    retry = identity.retry_key(key_id, sent_under, shared)
    return Accept(key, retry, token, made, True, True, identity=identity, content=shared)


@pytest.mark.parametrize(
    ("names", "examples"), [(QUICK, 15), pytest.param(EVERY, 80, marks=pytest.mark.long)]
)
def test_deliveries_are_never_lost_nor_run_twice(
    redis_server: str, names: tuple[str, ...], examples: int
) -> None:
    steps = st.lists(actions, max_size=30)
    stores = partial(map, lambda name: opened(name, redis_server), names)
    check_schedules(steps, examples, stores, Schedule)


@contextmanager
def opened(name: str, redis_server: str) -> Iterator[Subject]:
    """An empty store, in which deliveries that have ended keep their bodies."""
    span = Span(lease=LEASE, retention=RETENTION, history=1000)
    with IMPLEMENTATIONS[name](redis_server, f"schedule-{uuid.uuid4().hex}", span) as store:
        yield store
