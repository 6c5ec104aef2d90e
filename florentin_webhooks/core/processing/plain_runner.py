"""Run handlers that need nothing but a call: what nearly all deliveries do."""

from __future__ import annotations

import logging
from asyncio import CancelledError
from time import monotonic
from typing import TYPE_CHECKING, Final

from florentin_webhooks.core.log import logger
from florentin_webhooks.core.processing.attempt import SUCCEEDED, AttemptResult
from florentin_webhooks.core.processing.handler_calls import call_handler
from florentin_webhooks.core.processing.handler_scope import TRACKING
from florentin_webhooks.core.processing.run_log import RunResult
from florentin_webhooks.core.processing.runner import RECORDING_MARGIN, HandlerRunner
from florentin_webhooks.core.processing.runtime import run_sync
from florentin_webhooks.core.stores.accept import Finish
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.errors import InvalidEvent
from florentin_webhooks.protocol.frozen import new_tuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from florentin_webhooks.core.processing.handler_calls import HandlerError
    from florentin_webhooks.core.routing.handler import Handler
    from florentin_webhooks.protocol.delivery import Delivery
    from florentin_webhooks.protocol.event import Event

__all__ = ["DONE_RESULT", "PartRunner", "PlainRunner"]

# Constants, since the look-up of an enum's member takes 60 ns: ten are 1.5 % of a delivery.
_DONE: Final = State.DONE
_LOST: Final = State.LOST
_RUNNING: Final = State.RUNNING

DONE_RESULT = RunResult(State.DONE)
"""The result of a delivery whose handlers have all succeeded."""


class _OneRunner(HandlerRunner):
    async def conclude(
        self, handler: Handler, delivery: Delivery, error: HandlerError, began: float
    ) -> RunResult:
        """Report and record how the only *handler* has ended, and return the result."""
        self._delivery = delivery
        result = AttemptResult(error)
        return self._result(await self._conclude(handler, delivery, result, began, last=True))


class PlainRunner(_OneRunner):
    """A run of inline handlers that are plain: none has a thread to wait for.

    Written without three coroutines for each handler: 3 of a delivery's 40 us.
    """

    async def run(
        self,
        handlers: Sequence[Handler],
        event: Event,
        delivery: Delivery,
        copy_event: Callable[[], Event],
        missing: Sequence[str] = (),
    ) -> RunResult:
        """Run *handlers* as any other runner, which does it where each of them is observed."""
        lease, remaining = self._lease, len(handlers)
        is_watched = self._reporter.notifier is not None or TRACKING.is_enabled
        if is_watched or (remaining != 1 and not (remaining and lease.store_is_immediate)):
            return await super().run(handlers, event, delivery, copy_event, missing)
        self._delivery, state = delivery, _LOST
        attempt, seconds = lease.runtime.attempt, self._seconds
        execute = lease.store.execute if lease.is_immediate else None
        key, token = bytes.fromhex(lease.key), lease.token
        for handler in handlers:
            remaining -= 1
            began = monotonic()
            try:
                own = copy_event() if remaining else event
                arguments = self._arguments(handler, own, delivery)
                error = await attempt(handler, arguments, seconds)
            except InvalidEvent as invalid:
                return await self.abort(handler.name, invalid)
            except CancelledError:
                await lease.runtime.run_shielded(lease.release())
                raise
            if error is None and execute is not None:
                is_usual = remaining and not self._failures
                state = execute(
                    Finish(key, token, _RUNNING, handler.name)
                    if is_usual
                    else self._finish(handler.name, SUCCEEDED, last=not remaining)
                )
            else:
                result = SUCCEEDED if error is None else AttemptResult(error)
                state = await self._conclude(handler, delivery, result, began, last=not remaining)
            if state is _LOST or (remaining and state is _DONE):
                break
        return self._result(state) if self._failures else new_tuple(RunResult, (state, (), None))


class PartRunner(_OneRunner):
    """A run of the handlers of a queue's part, in a worker."""

    def run_one(self, handler: Handler, event: Event, delivery: Delivery) -> RunResult | None:
        """Run *handler*, the only one that is left; None where it needs more than a call.

        Written without seven coroutines: 9 of the 50 us that a job of a batch takes.
        """
        reporter, lease, began = self._reporter, self._lease, monotonic()
        deadline = float("inf") if self._deadline is None else self._deadline
        is_plain = handler.options.is_plain and not handler.is_async and handler.item is None
        is_watched = reporter.notifier is not None or TRACKING.is_enabled
        if not is_plain or is_watched or deadline - began <= RECORDING_MARGIN:
            return None
        error = call_handler(handler, self._arguments(handler, event, delivery))
        if error is not None or monotonic() >= deadline or logger.isEnabledFor(logging.INFO):
            return run_sync(self.conclude(handler, delivery, error, began))
        state = run_sync(lease.record(self._finish(handler.name, SUCCEEDED, last=True)))
        return DONE_RESULT if state is _DONE else RunResult(state)
