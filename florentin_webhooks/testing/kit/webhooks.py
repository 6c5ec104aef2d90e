"""The objects of the fixtures: a sender of deliveries to your receiver, with a clock of its own."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from florentin_webhooks.core.loader import receiver_of
from florentin_webhooks.core.processing.runtime import run_sync
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.testing.kit import assertions
from florentin_webhooks.testing.kit.clients import DEFAULT_PATH, client_transport, is_async_client
from florentin_webhooks.testing.kit.discovery import to_receiver
from florentin_webhooks.testing.kit.rehearsal import Kit, open_kit

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from contextlib import AbstractContextManager
    from typing import Self

    from florentin_webhooks.core.receiver import Receiver
    from florentin_webhooks.senders.secrets import Secrets
    from florentin_webhooks.testing.captures import Capture
    from florentin_webhooks.testing.delivery import SignedDelivery
    from florentin_webhooks.testing.kit.results import DeliveryResult
    from florentin_webhooks.testing.provider import Provider

__all__ = ["AsyncWebhooks", "Webhooks", "open_async_webhooks", "open_webhooks"]


class _Front:
    """What blocking and asyncio tests have in common."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    @property
    def receiver(self) -> Receiver[object]:
        """The receiver under test."""
        return self._kit.receiver

    @property
    def provider(self) -> Provider:
        """The simulated sender, for deliveries that this object does not make."""
        return self._kit.provider

    @property
    def now(self) -> datetime:
        """The time of the test, which only ``wait()`` moves."""
        return self._kit.clock.now

    @property
    def results(self) -> list[DeliveryResult]:
        """Every attempt of the sender so far, the oldest first."""
        return self._kit.results

    def make(self, event: str, /, **data: Any) -> SignedDelivery:  # Any: JSON.
        """Return a new signed delivery of *event*, whose sample is merged with *data*.

        Raises :class:`ConfigurationError` for an event that the receiver cannot get, and for data
        that it does not have.
        """
        return self._kit.make(event, data)

    def through(self, client: object, path: str = DEFAULT_PATH) -> Self:
        """Send through the test *client* of your framework, to *path*; returns this object.

        The receiver of a Flask app that the extension has created is the one under test from now
        on.
        """
        receiver = receiver_of(getattr(client, "application", None))
        if receiver is not None and receiver is not self._kit.receiver:
            self._kit.bind(receiver)
        self._kit.transport = client_transport(client, path)
        return self

    def expect_failure(
        self, *kinds: type[BaseException]
    ) -> AbstractContextManager[list[BaseException]]:
        """Collect what handlers raise within the block; at least one of *kinds* must be raised.

        ``with webhooks.expect_failure(SMTPError) as errors:``. Errors of other types are raised.
        """
        return self._kit.failures.expecting(kinds or (Exception,))

    def assert_handled(
        self, result: DeliveryResult | None = None, *, by: Callable[..., object] | None = None
    ) -> None:
        """Check that every handler, or the handler *by*, has succeeded for a delivery.

        *result* is what ``deliver()`` has returned, by default the last one.
        """
        __tracebackhide__ = True
        assertions.assert_handled(self._kit, result or self._last(), by)

    def assert_discarded(
        self, result: DeliveryResult | None = None, *, by: Callable[..., object] | None = None
    ) -> None:
        """Check that every handler, or the handler *by*, has raised Discard for a delivery."""
        __tracebackhide__ = True
        assertions.assert_discarded(self._kit, result or self._last(), by)

    def assert_duplicate(self, result: DeliveryResult | None = None) -> None:
        """Check that a delivery was answered as a duplicate, so that nothing ran again."""
        __tracebackhide__ = True
        assertions.assert_duplicate(self._kit, result or self._last())

    def assert_dead(self, result: DeliveryResult | None = None) -> None:
        """Check that queued handlers of a delivery have failed in their last attempt."""
        __tracebackhide__ = True
        assertions.assert_dead(self._kit, result or self._last())

    def _last(self) -> DeliveryResult:
        if not self._kit.results:
            raise ConfigurationError(
                "Nothing was delivered yet.", 'Call webhooks.deliver("invoice.created") first.'
            )
        return self._kit.results[-1]

    def _again(self, result: DeliveryResult | None) -> SignedDelivery:
        return (result or self._last()).delivery


class Webhooks(_Front):
    """A sender of deliveries to your receiver, in a blocking test.

    The store, the clock and the queue belong to the test, so no Redis and no worker is needed. What
    a handler raises is raised here, with its traceback.
    """

    def deliver(self, event: str, /, **data: Any) -> DeliveryResult:  # Any: JSON.
        """Make a delivery of *event*, send it, and return the result; see :meth:`make`."""
        __tracebackhide__ = True
        return self.send(self.make(event, **data))

    def send(self, delivery: SignedDelivery) -> DeliveryResult:
        """Send *delivery* as it is, and return the result."""
        __tracebackhide__ = True
        result = run_sync(self._kit.send(delivery))
        self._kit.failures.raise_new()
        return result

    def replay(self, capture: Capture) -> DeliveryResult:
        """Send a captured delivery, signed for this test; the clock moves to its arrival."""
        __tracebackhide__ = True
        return self.send(self._kit.sign(capture))

    def redeliver(self, result: DeliveryResult | None = None) -> DeliveryResult:
        """Send a delivery again, unchanged: that of *result*, or the last one."""
        __tracebackhide__ = True
        return self.send(self._again(result))

    def run_worker(self) -> None:
        """Run the queued handlers that are due, in this process."""
        __tracebackhide__ = True
        run_sync(self._kit.run_worker())
        self._kit.failures.raise_new()

    def wait(self, **duration: float) -> None:
        """Make time pass: ``wait(minutes=20)``, with the arguments of a timedelta.

        Meanwhile the sender repeats what was not answered with 2xx, and workers run what is due.
        At the end the failures are raised that no retry has made up for.
        """
        __tracebackhide__ = True
        run_sync(self._kit.wait(timedelta(**duration)))
        self._kit.failures.raise_new(self._kit.is_over)

    def through(self, client: object, path: str = DEFAULT_PATH) -> Self:
        """Send through the test *client* of your framework, to *path*; returns this object."""
        if is_async_client(client):
            raise ConfigurationError(
                f"{type(client).__name__} must be awaited.",
                "Use the fixture async_webhooks, or open_async_webhooks.",
            )
        return super().through(client, path)


class AsyncWebhooks(_Front):
    """A sender of deliveries to your receiver, in an asyncio test; see :class:`Webhooks`."""

    async def deliver(self, event: str, /, **data: Any) -> DeliveryResult:  # Any: JSON.
        """Make a delivery of *event*, send it, and return the result; see :meth:`make`."""
        __tracebackhide__ = True
        return await self.send(self.make(event, **data))

    async def send(self, delivery: SignedDelivery) -> DeliveryResult:
        """Send *delivery* as it is, and return the result."""
        __tracebackhide__ = True
        result = await self._kit.send(delivery)
        self._kit.failures.raise_new()
        return result

    async def redeliver(self, result: DeliveryResult | None = None) -> DeliveryResult:
        """Send a delivery again, unchanged: that of *result*, or the last one."""
        __tracebackhide__ = True
        return await self.send(self._again(result))

    async def run_worker(self) -> None:
        """Run the queued handlers that are due, in a thread."""
        __tracebackhide__ = True
        await self._kit.run_worker()
        self._kit.failures.raise_new()

    async def wait(self, **duration: float) -> None:
        """Make time pass; see :meth:`Webhooks.wait`."""
        __tracebackhide__ = True
        await self._kit.wait(timedelta(**duration))
        self._kit.failures.raise_new(self._kit.is_over)


@contextmanager
def open_webhooks(
    receiver: object, *, secret: Secrets | None = None, url: str | None = None
) -> Generator[Webhooks]:
    """Open what the fixture ``webhooks`` returns, where a test has no fixtures.

    The fixture is for one test; with hypothesis, a test function runs many. *receiver* is a
    receiver, a Flask program, or an import path. *secret* is the one to sign with, by default the
    receiver's own, and *url* the one that the sender calls. Raises :class:`ConfigurationError`
    without a receiver.
    """
    with open_kit(to_receiver(receiver, Path.cwd()), secret=secret, url=url) as kit:
        yield Webhooks(kit)


@contextmanager
def open_async_webhooks(
    receiver: object, *, secret: Secrets | None = None, url: str | None = None
) -> Generator[AsyncWebhooks]:
    """Open what the fixture ``async_webhooks`` returns; see :func:`open_webhooks`."""
    found = to_receiver(receiver, Path.cwd())
    with open_kit(found, blocking=False, secret=secret, url=url) as kit:
        yield AsyncWebhooks(kit)
