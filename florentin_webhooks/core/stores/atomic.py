"""Running a handler inside the transaction that records its end."""

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

    Where something was raised, or the state is LOST, nothing has happened.
    """

    error: BaseException | None
    state: State


@dataclass(frozen=True, slots=True)
class RunInTransaction(Operation[TransactionResult]):
    """Run a handler and record its end in one transaction of a store that has *transactions*.

    *call* gives what the handler raised, or None. Then *also* and *finish* are carried out and all
    of it is committed, or nothing: also where *finish* answers LOST. A commit that the handler's
    own changes make impossible counts as raised by the handler.
    """

    call: Callable[[], BaseException | None]
    finish: Finish
    also: tuple[Latest, ...] = ()
