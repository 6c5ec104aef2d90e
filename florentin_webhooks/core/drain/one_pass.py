"""One pass over a spool: each delivery goes through the same accept as any other.

An entry is removed only after the store has answered, and its handlers, where they run inline,
have ended. A process that is killed in between leaves the entry; the next pass finds its record.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from functools import partial
from secrets import token_hex
from typing import TYPE_CHECKING, TypeVar

from florentin_webhooks.core.drain.waits import check_wait, longest_wait
from florentin_webhooks.core.log import logger
from florentin_webhooks.core.processing.loops import call_blocking
from florentin_webhooks.core.stores.base import NO_DELIVERY
from florentin_webhooks.core.stores.queries import GetRecord
from florentin_webhooks.errors import MalformedDelivery, Unavailable
from florentin_webhooks.protocol.delivery import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime, timedelta

    from florentin_webhooks.core.processing.processor import DeliveryProcessor
    from florentin_webhooks.core.processing.runtime import Runtime
    from florentin_webhooks.core.spool import DeliverySpool, SpooledDelivery, SpoolEntry

__all__ = ["DrainReport", "Terms", "drain"]

T = TypeVar("T")

LEASE_SECONDS = 30.0
"""How long a drainer that was killed keeps others from draining."""
MOST_REFUSED = 3
"""The most deliveries that a pass leaves behind because the store refuses them."""
BATCH = 16
"""The most deliveries that are read, and later removed, at once."""


@dataclass(frozen=True, slots=True)
class DrainReport:
    """What became of the deliveries of one pass.

    *outcomes* counts those that the store has now, *left* those that stay: they are being
    processed, cannot be read, or are refused by a store that answers. *foreign* belong to receivers
    with another secret. *error* is why the pass ended early. *is_busy*: another process drains.
    """

    outcomes: Counter[str] = field(default_factory=Counter[str])
    left: int = 0
    foreign: int = 0
    error: Unavailable | None = None
    is_busy: bool = False


@dataclass(frozen=True, slots=True)
class Terms:
    """What a pass needs: the receiver, its spool, the program that it runs in, clock and window."""

    hooks: DeliveryProcessor[object]
    spool: DeliverySpool
    runtime: Runtime
    clock: Callable[[], datetime]
    window: timedelta


async def drain(
    terms: Terms, *, seconds: float = float("inf"), is_stopped: Callable[[], bool] = bool
) -> DrainReport:
    """Pass what waits to the store, for about *seconds*, unless another process does.

    It ends after the delivery in which *is_stopped* becomes true.

    Never raises :class:`Unavailable`: the report has it.
    """
    deadline = time.monotonic() + seconds
    return await _Pass(terms, lambda: is_stopped() or time.monotonic() >= deadline).run()


class _Pass:
    """One pass, with the lease of the spool."""

    def __init__(self, terms: Terms, is_over: Callable[[], bool]) -> None:
        self._terms, self._is_over = terms, is_over
        self._holder = f"{os.getpid()}-{token_hex(8)}"
        self._outcomes: Counter[str] = Counter()
        self._left = self._foreign = self._refused = 0

    async def run(self) -> DrainReport:
        try:
            if not await self._claim():
                return DrainReport(is_busy=True)
            try:
                await self._pass_all()
            finally:
                with suppress(Unavailable):  # The lease expires.
                    await self._ask(partial(self._terms.spool.release, self._holder))
        except Unavailable as error:
            return self._report(error)
        return self._report()

    def _report(self, error: Unavailable | None = None) -> DrainReport:
        return DrainReport(self._outcomes, self._left, self._foreign, error)

    async def _pass_all(self) -> None:
        after = 0
        while entries := await self._ask(partial(self._terms.spool.read, after, BATCH)):
            after = entries[-1].number
            await self._pass_batch(entries)
            if self._is_over() or not await self._claim():  # Each write waits for the disk.
                return

    async def _pass_batch(self, entries: Sequence[SpoolEntry]) -> None:
        done: list[int] = []
        try:
            for entry in entries:
                if self._is_over():
                    return
                if await self._pass_one(entry):
                    done.append(entry.number)
        finally:
            if done:
                await self._ask(partial(self._terms.spool.remove, done))

    async def _pass_one(self, entry: SpoolEntry) -> bool:
        """Return whether the store has the delivery now, so that its entry can go."""
        if not self._terms.hooks.identity.owns(entry.owner, ""):
            self._foreign += 1
            return False
        if entry.delivery is None:
            return self._keep(entry, entry.problem)
        try:
            outcome = await self._process(entry.delivery)
        except MalformedDelivery as error:
            return self._keep(entry, error.reason)
        if outcome in (Outcome.IN_PROGRESS, Outcome.UNAVAILABLE):
            self._left += 1
            return False
        self._outcomes[outcome.value] += 1
        return True

    async def _process(self, waiting: SpooledDelivery) -> Outcome:
        """Return the outcome; UNAVAILABLE if the store refuses this delivery and no others.

        Then it keeps none of those behind it waiting, but for a few of its kind: a store that is
        full answers, too.
        """
        terms = self._terms
        longest = longest_wait(terms.hooks.store, terms.hooks.sender, terms.window)
        stale = check_wait(waiting.received_at, terms.clock(), longest)
        context = terms.hooks.handler_context if terms.runtime.is_blocking else nullcontext
        for is_last in (False, True):
            try:
                with context():
                    return (
                        await terms.hooks.process_spooled(waiting, terms.runtime, stale)
                    ).outcome
            except Unavailable:
                self._refused += is_last
                if self._refused > MOST_REFUSED or not await self._answers():
                    raise
        return Outcome.UNAVAILABLE

    async def _answers(self) -> bool:
        store, question = self._terms.hooks.store, GetRecord(NO_DELIVERY)
        try:
            if self._terms.runtime.is_blocking:
                store.execute(question)
            else:
                await store.aexecute(question)
        except Unavailable:
            return False
        return True

    def _keep(self, entry: SpoolEntry, problem: str) -> bool:
        self._left += 1
        if (place := (self._terms.spool.path, entry.number)) not in _reported:
            _reported.add(place)
            logger.error(
                "%s stays in the spool %s: %s.", entry.fingerprint, self._terms.spool.path, problem
            )
        return False

    async def _claim(self) -> bool:
        claim = partial(self._terms.spool.claim, self._holder, LEASE_SECONDS)
        return await self._ask(claim)

    async def _ask(self, question: Callable[[], T]) -> T:
        return await call_blocking(question, is_blocking=self._terms.runtime.is_blocking)


_reported: set[tuple[str, int]] = set()
"""The entries that were logged, since each pass finds them again."""
