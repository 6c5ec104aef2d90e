"""Guards for what must happen once, or only for the newest event, in any number of processes."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from florentin_webhooks.core.routing.exceptions import RetryLater
from florentin_webhooks.core.stores.base import aexecute_again, execute_again
from florentin_webhooks.core.stores.guards import GuardDecision, GuardGrant, GuardStep, Latest, Once
from florentin_webhooks.errors import Unavailable
from florentin_webhooks.protocol.fingerprint import under_key

if TYPE_CHECKING:
    from types import TracebackType

    from florentin_webhooks.core.processing.lease import Lease
    from florentin_webhooks.core.routing.handler import Handler
    from florentin_webhooks.core.stores.base import Store
    from florentin_webhooks.protocol.event import Event

__all__ = ["HighWaterMark", "OnceGuard", "open_guard"]


@dataclass(frozen=True, slots=True)
class OnceGuard:
    """The context manager of ``Delivery.once``, for ``with`` and ``async with``.

    Yields True until one run has left it without an error, then False. Raises :class:`RetryLater`
    while another run is inside.
    """

    store: Store
    key: bytes
    label: str
    token: bytes
    seconds: float
    part: str

    def __enter__(self) -> bool:
        return _is_first(self.store.execute(self._step(GuardStep.BEGIN)))

    def __exit__(
        self, kind: type[BaseException] | None, error: object, where: TracebackType | None
    ) -> None:
        step = self._step(GuardStep.RELEASE if kind else GuardStep.DONE)
        try:
            self.store.execute(step)
        except Unavailable as lost:
            if kind is not None:
                return  # The error raised inside says more, and the lease expires by itself.
            if self.part:
                raise  # The client of a worker has waited.
            execute_again(self.store, step, lost)

    async def __aenter__(self) -> bool:
        return _is_first(await self.store.aexecute(self._step(GuardStep.BEGIN)))

    async def __aexit__(
        self, kind: type[BaseException] | None, error: object, where: TracebackType | None
    ) -> None:
        step = self._step(GuardStep.RELEASE if kind else GuardStep.DONE)
        try:
            await self.store.aexecute(step)
        except Unavailable as lost:
            if kind is not None:
                return
            if self.part:
                raise
            await aexecute_again(self.store, step, lost)

    def _step(self, step: GuardStep) -> Once:
        return Once(self.key, self.label, self.token, step, self.seconds, self.part)


def open_guard(lease: Lease, label: str, queue: str = "") -> OnceGuard:
    """Return the guard *label* of the delivery under *lease*, in *queue* if that runs it."""
    key = bytes.fromhex(lease.key)
    # As idempotency_key() has it: file names that are not UTF-8 are texts that no store can keep.
    kept = str(label).encode(errors="backslashreplace").decode()
    return OnceGuard(lease.store, key, kept, lease.token, lease.seconds, queue)


@dataclass(frozen=True, slots=True)
class HighWaterMark:
    """Guard of one entity of one handler: events older than the newest handled one are skipped."""

    entity: bytes
    timestamp: int
    token: bytes
    seconds: float
    aliases: tuple[bytes, ...] = ()
    group: bytes = b""

    @classmethod
    def of(cls, handler: Handler, event: Event, key_id: str, lease: Lease) -> HighWaterMark | None:
        """Return the high-water mark for *event*, or None where the handler wants every event."""
        latest = handler.options.latest
        entity = None if latest is None else latest(event)
        if entity is None:
            return None
        name = handler.item.handler if handler.item else handler.name
        text = f"{name}\0{type(entity).__name__}\0{entity}"
        digest = sha256(text.encode()).digest()[:16]
        others = lease.identity.other_key_ids(key_id)
        return cls(
            under_key(key_id, digest),
            int(event.timestamp.timestamp() * 1000),
            lease.token,
            lease.seconds,
            tuple(under_key(each, digest) for each in others),
            digest,
        )

    def step(self, step: GuardStep) -> Latest:
        """Return the operation for one step."""
        fields = self.entity, self.timestamp, self.token, step, self.seconds
        return Latest(*fields, self.aliases, self.group)


def _is_first(grant: GuardGrant) -> bool:
    if grant.decision is GuardDecision.BUSY:
        raise RetryLater(grant.wait)
    return grant.decision is GuardDecision.RUN
