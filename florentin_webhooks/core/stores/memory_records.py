"""What the store in memory decides by its records, one operation at a time."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any, Final, TypeVar

from florentin_webhooks.core.stores.accept import Accept, AcceptDecision, Claim, Finish
from florentin_webhooks.core.stores.base import Operation, State
from florentin_webhooks.core.stores.guards import GuardDecision, GuardGrant, GuardStep, Latest, Once
from florentin_webhooks.core.stores.memory_index import Entry, MemoryIndex
from florentin_webhooks.core.stores.queries import ResetMode, ResetRecord
from florentin_webhooks.core.stores.rules import decide_accept
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.protocol.frozen import new_object, new_tuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from florentin_webhooks.core.stores.memory_history import MemoryHistory
    from florentin_webhooks.protocol.fingerprint import RetryKey

__all__ = ["MemoryRecords"]

A = TypeVar("A")
_NO_HANDLERS: frozenset[str] = frozenset()

# Constants, since the look-up of an enum's member takes 60 ns: ten are 1.5 % of a delivery.
_RUN: Final = AcceptDecision.RUN
_LOST: Final = State.LOST
_DONE: Final = State.DONE
_RUNNING: Final = State.RUNNING


class MemoryRecords(MemoryIndex):
    """Up to *capacity* fingerprints, each for *retention* seconds, with leases of *lease* seconds.

    *clock* returns seconds that never go back.
    """

    def __init__(
        self, capacity: int, retention: float, lease: float, clock: Callable[[], float]
    ) -> None:
        super().__init__(capacity, retention)
        self._lock = Lock()
        self._clock = clock
        self._lease = lease
        # Any: each takes the operation of its key.
        self._steps: dict[type[Operation[Any]], Any] = {
            Accept: self._accept,
            Finish: self._finish,
            Once: self._guard,
            Latest: self._guard,
        }

    def execute(self, operation: Operation[A]) -> A:
        """Execute *operation*; waits for other threads' operations only."""
        decide: Callable[[Operation[A], float], A] | None = self._steps.get(type(operation))
        if decide is None:
            raise ConfigurationError(
                f"MemoryStore does not support {type(operation).__name__}.",
                "Use RedisStore or DjangoStore.",
            )
        with self._lock:
            now = self._clock()
            if now >= self._next_expiry:
                self._drop_expired(now)
            return decide(operation, now)

    def _accept(self, accept: Accept, now: float) -> Claim:
        key, trace, finished = accept.key, accept.trace, self._finished
        # Nearly all deliveries are new, so this is one expression: 0.5 of a delivery's 40 us.
        if (
            accept.fresh
            and accept.valid
            and key not in self._open
            and key not in finished.packed
            and (trace is None or trace[0] not in self._sent.packed)
            and key not in self._aliases
            and key not in finished.first_keys
            and (
                (len(self._key_ids) == 1 and accept.delivery.key_id in self._key_ids)
                or not any(self._is_known(*alias) for alias in accept.aliases)
            )
        ):
            return self._run_new(accept, now)
        sent = self._sent_keys(accept)
        first = self._find(accept, now)
        changed = first is not None and bool(accept.trace) and first not in sent
        record = None if first is None else self._open.get(first)
        if first is not None and record is None:
            return Claim(AcceptDecision.DUPLICATE, first, id_changed=changed)
        decision = _decide(accept, record, now)
        if decision is AcceptDecision.IN_PROGRESS and record is not None:
            wait = record.lease_expires_at - now
            return Claim(decision, record.key, wait=wait, id_changed=changed)
        reused = bool(sent) and record is None
        record = record or self._remember(accept, now)
        self._extend(record, now)
        if decision is _RUN:
            return self._run(record, accept, now, reused, changed)
        record.body, record.state, record.token = accept.delivery.body, State(decision.value), b""
        return Claim(decision, record.key, record.attempt, 0, record.done, reused, changed)

    def _run_new(self, accept: Accept, now: float) -> Claim:
        """Remember a delivery of which nothing is known, and take its lease."""
        if self._count >= self._capacity:
            self._refuse()
        self._count += 1
        key, trace, delivery, token = accept.key, accept.trace, accept.delivery, accept.token
        self._key_ids.add(delivery.key_id)
        entry = new_object(Entry)  # As Entry(...): 0.1 us less.
        entry.key = key
        entry.trace = trace
        entry.expires_at = now + self._retention
        entry.body = delivery.body
        entry.token = token
        entry.attempt = 1
        entry.lease_expires_at = now + self._lease
        entry.state = _RUNNING
        entry.later = ()
        entry.done = _NO_HANDLERS
        self._open[key] = entry
        if trace is not None:
            self._sent.packed[trace[0]] = trace[1] + key
        return new_tuple(Claim, (_RUN, key, 1, 0, _NO_HANDLERS, False, False))

    def _is_known(self, key: bytes, trace: RetryKey | None) -> bool:
        return (
            key in self._open
            or key in self._finished.packed
            or key in self._aliases
            or key in self._finished.first_keys
            or (trace is not None and trace.delivery_id in self._sent.packed)
        )

    def _run(
        self,
        record: Entry,
        accept: Accept,
        now: float,
        reused: bool = False,
        changed: bool = False,
    ) -> Claim:
        """Take the lease of *record*, also where its token has it already."""
        record.attempt += record.token != accept.token
        record.state, record.token, record.body = _RUNNING, accept.token, accept.delivery.body
        record.lease_expires_at = now + self._lease
        answer = (_RUN, record.key, record.attempt, 0, record.done, reused, changed)
        return new_tuple(Claim, answer)

    def _finish(self, finish: Finish, now: float) -> State:
        record = self._open.get(finish.key)
        if record is None:
            return _DONE if finish.key in self._finished.packed else _LOST
        if record.token != finish.token:
            return _LOST
        if finish.state is _DONE:
            self._finished.add(record.key, record.trace, record.later, now + self._retention)
            del self._open[record.key]
            if record.later:
                self._forget_aliases(record)
            return _DONE
        if finish.handler is not None:
            record.done |= {finish.handler}
        record.state = finish.state
        if finish.state is _RUNNING:
            record.lease_expires_at = now + self._lease
        else:
            record.token = b""
        self._extend(record, now)
        return finish.state

    def _reset(self, history: MemoryHistory, reset: ResetRecord, now: float) -> State | None:
        """Make a delivery that has ended runnable again, or drop it."""
        key = self._first_key(reset.key)
        record = None if key is None else self._open.get(key)
        state = record.state if record else State.DONE
        if key is None or reset.seen not in (None, state):
            return None
        if record is not None and state is _RUNNING and record.lease_expires_at > now:
            return None
        record = record or self._reopen(key, now)
        before, record.state, record.token = record.state, State.FAILED, b""
        if reset.mode is ResetMode.DROP:
            self._archive(record, now)
        elif reset.handlers:
            record.done = history.handlers_done(record.key) - {*reset.handlers}
        else:
            record.done = frozenset()
            self._guards.drop(record.key)
        history.note_reset(record.key, reset)
        return before

    def _reopen(self, key: bytes, now: float) -> Entry:
        """Move a finished delivery back to those that are open; its state is still DONE."""
        trace, later = self._finished.remove(key)
        record = Entry(key, trace, now + self._retention, state=_DONE, later=later)
        self._open[key] = record
        self._aliases |= dict.fromkeys(later, key)
        return record

    def _archive(self, record: Entry, now: float) -> None:
        self._finished.add(record.key, record.trace, record.later, now + self._retention)
        del self._open[record.key]
        self._forget_aliases(record)

    def _guard(self, operation: Once | Latest, now: float) -> GuardGrant:
        return self._check_lease(operation) or self._guards.decide(operation, now)

    def _check_lease(self, operation: Once | Latest) -> GuardGrant | None:
        # A run whose lease has expired, and now belongs to another run, may not begin.
        if not isinstance(operation, Once):
            return None
        if self._finished.first_key(operation.key):
            return GuardGrant(GuardDecision.DONE)
        record = self._open.get(self._aliases.get(operation.key, operation.key))
        is_holder = record is not None and record.token == operation.token
        if operation.step is GuardStep.BEGIN and not is_holder:
            return GuardGrant(GuardDecision.BUSY)
        return None


def _decide(accept: Accept, record: Entry | None, now: float) -> AcceptDecision:
    if record is None:
        return decide_accept(accept, None)
    return decide_accept(accept, record.state, record.token, record.lease_expires_at - now)
