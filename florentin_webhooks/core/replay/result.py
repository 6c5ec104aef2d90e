"""The result of a replay as a value, also where it is refused."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from florentin_webhooks.core.replay.actions import Run, replay
from florentin_webhooks.core.replay.conditions import NotReplayable, PossiblyProcessed
from florentin_webhooks.core.stores.queries import GetRecord
from florentin_webhooks.errors import MalformedDelivery, Unavailable
from florentin_webhooks.protocol.delivery import Outcome

if TYPE_CHECKING:
    from florentin_webhooks.core.receiver import Receiver

__all__ = ["ReplayResult", "try_replay"]


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """The outcome of one replay; *reason* and *hint* if the delivery is not done."""

    fingerprint: str
    outcome: str
    reason: str = ""
    hint: str = ""

    @property
    def ok(self) -> bool:
        """Whether all handlers are done, or queued again."""
        return self.outcome in (Outcome.PROCESSED, Outcome.ACCEPTED)

    @property
    def needs_confirmation(self) -> bool:
        """Whether its handlers may have run before."""
        return self.outcome == PossiblyProcessed.code


def try_replay(
    hooks: Receiver[object],
    fingerprint: str,
    *,
    all_handlers: bool = False,
    handler: str = "",
    though_late: bool = False,
    run: Run | None = None,
) -> ReplayResult:
    """Return the result of :func:`replay`, also where it is refused; raises Unavailable."""
    try:
        reply = replay(
            hooks,
            fingerprint,
            all_handlers=all_handlers,
            handler=handler,
            though_late=though_late,
            run=run,
        )
    except NotReplayable as error:
        return ReplayResult(fingerprint, error.code, error.reason, error.hint)
    except MalformedDelivery as error:
        return ReplayResult(fingerprint, error.code, error.reason, error.hint)
    if reply.error is None:
        return ReplayResult(fingerprint, reply.outcome.value)
    reason = _failures(hooks, fingerprint) or reply.error.message.rstrip(".")
    return ReplayResult(fingerprint, reply.outcome.value, reason, reply.error.hint)


def _failures(hooks: Receiver[object], fingerprint: str) -> str:
    """Return which handlers failed, as the store remembers it."""
    with suppress(Unavailable):
        record = hooks.store.execute(GetRecord(bytes.fromhex(fingerprint)))
        return "; ".join(record.reasons.values()) if record else ""
    return ""
