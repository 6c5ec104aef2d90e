"""The test kit of one test: a receiver on a store and a clock of the test, and its sender.

Written once, as coroutines: in a blocking test they never suspend.
"""

from __future__ import annotations

import asyncio
from contextlib import ExitStack, contextmanager, nullcontext
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from florentin_webhooks.core.stores.base import State
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.senders.base import Retries, Sampling
from florentin_webhooks.testing.kit.clients import direct_transport
from florentin_webhooks.testing.kit.failures import FailureLog
from florentin_webhooks.testing.kit.known_names import check_known
from florentin_webhooks.testing.kit.manual_clock import ManualClock
from florentin_webhooks.testing.kit.results import DeliveryResult
from florentin_webhooks.testing.kit.worker import run_part
from florentin_webhooks.testing.provider import Provider
from florentin_webhooks.testing.store import RecordingStore

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from florentin_webhooks.core.log import HandlerFailure
    from florentin_webhooks.core.receiver import Receiver
    from florentin_webhooks.senders.secrets import Secrets
    from florentin_webhooks.testing.captures import Capture
    from florentin_webhooks.testing.delivery import SignedDelivery
    from florentin_webhooks.testing.kit.clients import Transport
    from florentin_webhooks.testing.store import Entry, Part

__all__ = ["Kit", "open_kit"]

_USUAL_DELAYS = (30.0, 120.0, 300.0)
_RECORDED = ("accepted", "duplicate", "processed")
_DJANGO = "florentin_webhooks.django.connections"


class _Retry(NamedTuple):
    """The next attempt of the sender, after *tries* that failed."""

    delivery: SignedDelivery
    tries: int
    due: datetime


class Kit:
    """The parts of one test. *blocking*: it has no event loop."""

    def __init__(
        self, stack: ExitStack, *, blocking: bool, secret: Secrets | None, url: str | None
    ) -> None:
        self.clock = ManualClock()
        self.failures = FailureLog()
        self.results: list[DeliveryResult] = []
        self._stack, self._blocking, self._secret, self._url = stack, blocking, secret, url
        self._retries: dict[str, _Retry] = {}

    def bind(self, receiver: Receiver[object]) -> None:
        """Test *receiver*, on a store and a clock of this test until it ends."""
        self.receiver: Receiver[object] = receiver
        store = receiver.store
        self.store = RecordingStore(
            self.clock,
            lease=store.lease,
            retention=store.retention,
            atomic=getattr(store, "atomic", nullcontext),
        )
        self.provider = Provider(
            self._secret or receiver.secrets,
            sender=receiver.sender,
            url=self._url,
            clock=self.clock,
            check_names=False,  # The names that the receiver knows are checked.
        )
        self.transport: Transport = direct_transport(receiver, self._url, blocking=self._blocking)
        self._stack.enter_context(receiver.rehearsing(self.store, self.clock))
        self._stack.enter_context(_keeping_connections(receiver))
        self._stack.enter_context(self.failures.observing(receiver))

    def make(self, event: str, data: Mapping[str, object]) -> SignedDelivery:
        """Return a new delivery of an event that the receiver knows."""
        check_known(self.receiver, event, data)
        return self.provider.make(event, **data)

    def sign(self, capture: Capture) -> SignedDelivery:
        """Return a captured delivery, signed for this test; the clock moves to its arrival."""
        self.clock.now = capture.received_at
        sender, event = self.receiver.sender, capture.event
        if isinstance(sender, Sampling):  # The name in a header may be another one.
            event = sender.sample(event, {}, capture.delivery_id, self.clock.now).event
        return self.provider.sign(event, capture.content, delivery_id=capture.delivery_id)

    async def send(self, delivery: SignedDelivery) -> DeliveryResult:
        """Send *delivery*, and schedule the sender's next attempt if it failed."""
        result = DeliveryResult(delivery, await self.transport(delivery))
        if result.outcome in _RECORDED and self.entry_of(delivery) is None:
            raise ConfigurationError(
                "Another receiver than the one under test has got the delivery.",
                "Let the fixture webhooks_receiver return the one that the program mounts.",
            )
        self.results.append(result)
        self._schedule(result)
        return result

    async def wait(self, duration: timedelta) -> None:
        """Make time pass: the sender retries what failed, and workers run what is due."""
        end = self.clock.now + duration
        while (due := self._next_due()) is not None and due <= end:
            self.clock.now = max(self.clock.now, due)
            for retry in [each for each in self._retries.values() if each.due <= self.clock.now]:
                await self.send(self._repeat(retry.delivery))
            await self.run_worker()
        self.clock.now = end

    async def run_worker(self) -> None:
        """Run the queued handlers that are due, until none is."""
        while due := [(each, part) for each, part in self._parts() if part.is_due(self.clock.now)]:
            for entry, part in due:
                await self._run_part(entry, part)

    def is_over(self, failure: HandlerFailure) -> bool:
        """Return whether the handler of *failure* has ended since."""
        entry = self.store.entries.get(bytes.fromhex(failure.fingerprint))
        return entry is not None and (failure.handler in entry.endings or entry.state is State.DONE)

    def entry_of(self, delivery: SignedDelivery) -> Entry | None:
        """Return what the store keeps of *delivery*, or None."""
        return self.store.find(delivery.body, delivery.delivery_id or None)

    async def _run_part(self, entry: Entry, part: Part) -> None:
        work = (self.receiver, self.store, entry, part, self.clock.now)
        if self._blocking:
            run_part(*work)
        else:  # A worker is another process, without our event loop.
            await asyncio.to_thread(run_part, *work)

    def _parts(self) -> Generator[tuple[Entry, Part]]:
        for entry in list(self.store.entries.values()):
            for part in list(entry.parts.values()):
                yield entry, part

    def _next_due(self) -> datetime | None:
        """Return when the sender or a worker acts next, or None."""
        parts = [part for _, part in self._parts() if part.state is State.QUEUED]
        times = [max(part.due, part.lease.expires_at or part.due) for part in parts]
        return min([*times, *(each.due for each in self._retries.values())], default=None)

    def _schedule(self, result: DeliveryResult) -> None:
        delivery = result.delivery
        before = self._retries.pop(delivery.delivery_id, None)
        tries = before.tries if before else 0
        delays = self._sender_retries.delays or _USUAL_DELAYS
        if not result.ok and tries < len(delays):
            due = self.clock.now + timedelta(seconds=delays[tries])
            self._retries[delivery.delivery_id] = _Retry(delivery, tries + 1, due)

    def _repeat(self, delivery: SignedDelivery) -> SignedDelivery:
        """Return *delivery* as the sender's next attempt has it."""
        restamped = self._sender_retries.restamped
        return self.provider.restamp(delivery) if restamped else delivery

    @property
    def _sender_retries(self) -> Retries:
        retries: object = getattr(self.receiver.sender, "retries", None)
        return retries if isinstance(retries, Retries) else Retries(restamped=False)


@contextmanager
def _keeping_connections(receiver: Receiver[object]) -> Generator[None]:
    """Stop Django from closing database connections around handlers: they are the test's."""
    before = receiver.handler_context, receiver.async_handler_context
    if before[0].__module__ == _DJANGO:
        receiver.handler_context = nullcontext
    if before[1].__module__ == _DJANGO:
        receiver.async_handler_context = nullcontext
    try:
        yield
    finally:
        receiver.handler_context, receiver.async_handler_context = before


@contextmanager
def open_kit(
    receiver: Receiver[object],
    *,
    blocking: bool = True,
    secret: Secrets | None = None,
    url: str | None = None,
) -> Generator[Kit]:
    """Open the test kit of *receiver* for the block.

    It signs with *secret*, by default the receiver's own; *url* is the one that the sender calls.
    """
    with ExitStack() as stack:
        kit = Kit(stack, blocking=blocking, secret=secret, url=url)
        kit.bind(receiver)
        yield kit
