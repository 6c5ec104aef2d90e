"""Guard what must happen once, or only for the newest event, whoever else tries at that time."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from florentin_webhooks.core.routing.exceptions import RetryLater
from florentin_webhooks.core.stores.guards import GuardDecision, GuardGrant, GuardStep, Latest, Once
from florentin_webhooks.errors import Unavailable

if TYPE_CHECKING:
    from types import TracebackType

    from florentin_webhooks.core.routing.handler import Handler
    from florentin_webhooks.core.stores.base import Store
    from florentin_webhooks.senders.florentin.events import Event

__all__ = ["HighWaterMark", "OnceGuard"]


@dataclass(frozen=True, slots=True)
class OnceGuard:
    """Be the context manager of ``Delivery.once``: ``with`` and, in ``async def``, ``async with``.

    It gives True to the first, and False once somebody has left it without an error. Raises
    :class:`RetryLater` while another run is inside.
    """

    store: Store
    key: bytes
    label: str
    token: bytes
    seconds: float
    part: str

    def __enter__(self) -> bool:
        return _first(self.store.execute(self._step(GuardStep.BEGIN)))

    def __exit__(
        self, kind: type[BaseException] | None, error: object, where: TracebackType | None
    ) -> None:
        try:
            self.store.execute(self._step(GuardStep.RELEASE if kind else GuardStep.DONE))
        except Unavailable:
            if kind is None:
                raise  # Else what was raised inside says more; the lease runs until its end.

    async def __aenter__(self) -> bool:
        return _first(await self.store.aexecute(self._step(GuardStep.BEGIN)))

    async def __aexit__(
        self, kind: type[BaseException] | None, error: object, where: TracebackType | None
    ) -> None:
        try:
            await self.store.aexecute(self._step(GuardStep.RELEASE if kind else GuardStep.DONE))
        except Unavailable:
            if kind is None:
                raise

    def _step(self, step: GuardStep) -> Once:
        return Once(self.key, self.label, self.token, step, self.seconds, self.part)


@dataclass(frozen=True, slots=True)
class HighWaterMark:
    """Guard one entity of one handler: what is older than the newest handled event is skipped."""

    entity: bytes
    timestamp: int
    token: bytes
    seconds: float

    @classmethod
    def of(
        cls, handler: Handler, event: Event, token: bytes, seconds: float
    ) -> HighWaterMark | None:
        """Give the watermark for *event*, or None where the handler wants every event."""
        entity = None if handler.latest is None else handler.latest(event)
        if entity is None:
            return None
        digest = sha256(f"{handler.name}\0{type(entity).__name__}\0{entity}".encode()).digest()
        return cls(digest[:16], int(event.timestamp.timestamp() * 1000), token, seconds)

    def step(self, step: GuardStep) -> Latest:
        """Give the operation for one step."""
        return Latest(self.entity, self.timestamp, self.token, step, self.seconds)


def _first(permit: GuardGrant) -> bool:
    if permit.permission is GuardDecision.BUSY:
        raise RetryLater(permit.wait)
    return permit.permission is GuardDecision.RUN
