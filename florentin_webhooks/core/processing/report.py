"""Report how handlers end: to the log, and failures to the observers that are registered."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from florentin_webhooks.core.log import HandlerLog, log_observer_failure
from florentin_webhooks.core.observers.notifier import Notifier
from florentin_webhooks.core.routing.exceptions import RetryLater
from florentin_webhooks.core.routing.import_path import find_import_path, modules_of
from florentin_webhooks.core.timeouts import TimeIsOver
from florentin_webhooks.errors import ConfigurationError, HandlerTimeout

if TYPE_CHECKING:
    from collections.abc import Sequence

    from florentin_webhooks.core.log import DeadDelivery, HandlerAttempt, HandlerFailure
    from florentin_webhooks.core.observer import Observer
    from florentin_webhooks.core.processing.runtime import Runtime
    from florentin_webhooks.core.routing.handler import Handler
    from florentin_webhooks.core.routing.registry import HandlerRegistry

__all__ = ["Reporter", "name_timeout", "seconds_from_now"]

OBSERVER_SECONDS = 2.0
"""How long a reply may wait for an observer."""


class Reporter:
    """The log of the handlers of *registry*, and its observers.

    *name* is the name of the receiver, by default its import path. *notifier* has the observers of
    all that happens, None without any.
    """

    def __init__(
        self, registry: HandlerRegistry[object], name: str = "", *, error_text: bool = False
    ) -> None:
        self.notifier: Notifier | None = None
        self.log = HandlerLog(error_text=error_text)
        self._registry = registry
        self._name = name

    @cached_property
    def receiver(self) -> str:
        """The name of the receiver, or the import path; "-" where it has neither."""
        try:
            modules = modules_of(self._registry.router.handlers)
            return self._name or find_import_path(self._registry, modules)
        except ConfigurationError:
            return "-"

    def observe(self, observer: Observer, sender: str) -> Notifier:
        """Report all that happens to *observer*, and return the notifier of all observers.

        *sender* is the name of the sender.
        """
        notifier = self.notifier or Notifier(lambda: self.receiver, sender)
        notifier.add(observer)
        self.notifier = notifier
        return notifier

    def ended(self, attempt: HandlerAttempt, outcome: str) -> None:
        """Report that a handler has ended with *outcome*; in a worker, no reply says so."""
        if attempt.queue:
            self.log.ended(attempt, outcome)
        if self.notifier:
            self.notifier.ended(attempt, outcome)

    def discarded(self, attempt: HandlerAttempt, why: str) -> None:
        """Report that a handler raised Discard, and *why*."""
        self.log.discarded(attempt, why)
        if self.notifier:
            self.notifier.ended(attempt, "discarded")

    async def failed(self, runtime: Runtime, failures: Sequence[HandlerFailure]) -> None:
        """Pass *failures*, which are logged already, to the observers; not a RetryLater."""
        for failure in failures:
            if not isinstance(failure.error, RetryLater):
                await _notify(runtime, self._registry.failure_observers, failure)

    async def died(self, runtime: Runtime, dead: DeadDelivery) -> None:
        """Log that a delivery is *dead*, and pass it to the observers."""
        self.log.died(dead)
        if self.notifier:
            self.notifier.died(dead)
        await _notify(runtime, self._registry.death_observers, dead)


async def _notify(runtime: Runtime, observers: Sequence[Handler], news: object) -> None:
    for observer in observers:
        error = await runtime.attempt(observer, (news,), OBSERVER_SECONDS)
        if error is not None:
            log_observer_failure(observer.name, error)


def seconds_from_now(seconds: float | None) -> datetime | None:
    """Return the time in *seconds* from now, or None."""
    return None if seconds is None else datetime.now(UTC) + timedelta(seconds=seconds)


def name_timeout(error: BaseException, seconds: float) -> HandlerTimeout:
    """Return *error*, which says that the time of *seconds* is over, in words for operators."""
    named = HandlerTimeout(seconds)
    named.__cause__ = error.__cause__ if isinstance(error, TimeIsOver) else error
    return named
