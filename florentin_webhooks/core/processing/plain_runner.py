"""Run inline handlers that need nothing but a call: what nearly all deliveries do."""

from __future__ import annotations

from asyncio import CancelledError
from time import monotonic
from typing import TYPE_CHECKING, Final

from florentin_webhooks.core.processing.attempt import SUCCEEDED, AttemptResult
from florentin_webhooks.core.processing.handler_scope import TRACKING
from florentin_webhooks.core.processing.run_log import RunResult
from florentin_webhooks.core.processing.runner import HandlerRunner
from florentin_webhooks.core.stores.accept import Finish
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.errors import InvalidEvent
from florentin_webhooks.protocol.frozen import new_tuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from florentin_webhooks.core.routing.handler import Handler
    from florentin_webhooks.protocol.delivery import Delivery
    from florentin_webhooks.protocol.event import Event

__all__ = ["PlainRunner"]

# Constants, since the look-up of an enum's member takes 60 ns: ten are 1.5 % of a delivery.
_DONE: Final = State.DONE
_LOST: Final = State.LOST
_RUNNING: Final = State.RUNNING


class PlainRunner(HandlerRunner):
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

    async def conclude(
        self, handler: Handler, delivery: Delivery, error: BaseException, began: float
    ) -> RunResult:
        """Report and record that the only *handler* has failed, and return the result."""
        self._delivery = delivery
        result = AttemptResult(error)
        return self._result(await self._conclude(handler, delivery, result, began, last=True))
