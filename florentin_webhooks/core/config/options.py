"""The type of a receiver's options."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypedDict

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from os import PathLike

    from florentin_webhooks.core.durations import Duration
    from florentin_webhooks.core.queue import Queue
    from florentin_webhooks.core.spool import DeliverySpool
    from florentin_webhooks.core.stores.base import Store

__all__ = ["ReceiverOptions"]


class ReceiverOptions(TypedDict, total=False):
    """The options of a receiver beside its secrets and its sender."""

    store: Store | str | None
    queue: Queue | str | None
    tolerance: Duration | None
    leeway: Duration
    max_body: int
    timeout: Duration
    clock: Callable[[], datetime]
    name: str
    tracebacks: Literal["redacted", "full"]
    spool: DeliverySpool | str | PathLike[str] | None
