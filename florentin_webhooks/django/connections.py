"""Fresh database connections for handlers that run outside a request."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

from django.db import close_old_connections

if TYPE_CHECKING:
    from collections.abc import Generator

    from florentin_webhooks.core.receiver import Receiver

__all__ = ["fresh_connections", "use_fresh_connections"]


def use_fresh_connections(receiver: Receiver) -> None:
    """Run the jobs and threaded handlers of *receiver* with fresh database connections."""
    if receiver.handler_context is nullcontext:
        receiver.handler_context = fresh_connections


@contextmanager
def fresh_connections() -> Generator[None]:
    """Close this thread's broken or expired database connections, before and after."""
    close_old_connections()
    try:
        yield
    finally:
        close_old_connections()
