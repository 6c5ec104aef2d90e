"""The operation that runs a handler in the transaction that records its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from florentin_webhooks.core.stores.base import Operation
from florentin_webhooks.core.stores.guards import Latest

if TYPE_CHECKING:
    from collections.abc import Callable

    from florentin_webhooks.core.stores.accept import Finish
    from florentin_webhooks.core.stores.base import State

__all__ = [
    "RunInTransaction",
    "TransactionResult",
]


class TransactionResult(NamedTuple):
    """Answer to :class:`RunInTransaction`: what was raised, and the state of the record.

    With an error, or the state LOST, everything was rolled back.
    """

    error: BaseException | None
    state: State


@dataclass(frozen=True, slots=True)
class RunInTransaction(Operation[TransactionResult]):
    """Run a handler and record its end in one transaction.

    *call* returns what the handler raised, or None. Then *also* and *finish* are executed and
    everything is committed, or nothing: also if *finish* answers LOST. A commit that fails because
    of the handler's own changes counts as raised by the handler.
    """

    call: Callable[[], BaseException | None]
    finish: Finish
    also: tuple[Latest, ...] = ()
