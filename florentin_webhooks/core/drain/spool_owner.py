"""A receiver's spool: opened with it, drained while it receives, closed with it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakMethod

from florentin_webhooks.core.defaults import On_co
from florentin_webhooks.core.drain.background import BackgroundDrain
from florentin_webhooks.core.drain.one_pass import Terms
from florentin_webhooks.core.drain.waits import validate_spool
from florentin_webhooks.core.processing.loops import do_work
from florentin_webhooks.core.processing.processor import DeliveryProcessor

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, timedelta

    from florentin_webhooks.core.config.model import ReceiverConfig
    from florentin_webhooks.core.processing.runtime import AsyncioRuntime, SyncRuntime

__all__ = ["SpoolOwner"]


class SpoolOwner(DeliveryProcessor[On_co]):
    """A processor of deliveries with a spool, where that is configured."""

    _clock: Callable[[], datetime]
    _window: timedelta
    _drain: BackgroundDrain | None = None
    blocking: SyncRuntime
    asyncio: AsyncioRuntime

    def drain_terms(self, *, is_blocking: bool = True) -> Terms | None:
        """Return what a pass over the spool needs, None without a spool."""
        if (spool := self.spool) is None:
            return None
        runtime = self.blocking if is_blocking else self.asyncio
        return Terms(self, spool, runtime, self._clock, self._window)

    def _set_spool(self, config: ReceiverConfig, window: timedelta) -> None:
        spool = config.build_spool()
        if spool is not None:
            validate_spool(self.store, self.sender, window)
            self.spool, self._window = spool, window
            self._drain = BackgroundDrain(WeakMethod(self.drain_terms))
            self._start_drain = self._drain.start

    def _close_spool(self) -> None:
        if self._drain is not None and self.spool is not None:
            self._drain.stop()
            self.spool.close()

    async def _aclose_spool(self) -> None:
        if self._drain is not None:
            await self._drain.astop()
            await do_work(self._close_spool, is_blocking=False)
