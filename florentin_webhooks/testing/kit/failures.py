"""Failures of handlers, as a test wants them: raised where the delivery was sent."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from florentin_webhooks.core.routing.observer import build_observer

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from florentin_webhooks.core.log import HandlerFailure
    from florentin_webhooks.core.receiver import Receiver

__all__ = ["FailureLog"]

_PACKAGE = str(Path(__file__).parents[2])


class FailureLog:
    """What handlers have raised in one test."""

    def __init__(self) -> None:
        self.failures: list[HandlerFailure] = []
        self._raised = 0
        self._expected: tuple[type[BaseException], ...] = ()

    @contextmanager
    def observing(self, receiver: Receiver[object]) -> Generator[None]:
        """Observe the failures of *receiver* within the block."""
        observer = build_observer(self._observe)
        receiver.failure_observers.append(observer)
        try:
            yield
        finally:
            receiver.failure_observers.remove(observer)

    @contextmanager
    def expecting(self, kinds: tuple[type[BaseException], ...]) -> Generator[list[BaseException]]:
        """Collect errors of *kinds* within the block, which must see one, instead of raising."""
        errors: list[BaseException] = []
        before, self._expected = self._expected, kinds
        start = len(self.failures)
        try:
            yield errors
        finally:
            self._expected = before
            raised = (each.error for each in self.failures[start:])
            errors += [error for error in raised if isinstance(error, kinds)]
        if not errors:
            names = " or ".join(kind.__name__ for kind in kinds)
            raise AssertionError(f"No handler failed with {names}.")

    def raise_new(self, is_over: Callable[[HandlerFailure], bool] = lambda _: False) -> None:
        """Raise what handlers have raised since the last call, unless it is expected or over.

        One error is raised as it is, with the traceback of its handler; several as a group.
        """
        __tracebackhide__ = True  # pytest shows the line of the test, then the handler's.
        new, self._raised = self.failures[self._raised :], len(self.failures)
        unexpected = [
            each for each in new if not isinstance(each.error, self._expected) and not is_over(each)
        ]
        # A handler that was retried meanwhile has failed several times: the last one counts.
        latest = {(each.handler, each.fingerprint): each for each in unexpected}
        if latest:
            raise _to_error([*latest.values()])

    def of(self, fingerprint: str, handler: str) -> HandlerFailure | None:
        """Return the last failure of *handler* for the delivery *fingerprint*, or None."""
        for failure in reversed(self.failures):
            if (failure.fingerprint, failure.handler) == (fingerprint, handler):
                return failure
        return None

    def _observe(self, failure: HandlerFailure) -> None:
        self.failures.append(failure)


def _to_error(failures: Sequence[HandlerFailure]) -> BaseException:
    errors = [_prepare(each) for each in failures]
    if len(errors) == 1:
        return errors[0]
    return BaseExceptionGroup(f"{len(errors)} handlers failed", errors)


def _prepare(failure: HandlerFailure) -> BaseException:
    """Return the error of a handler, whose traceback begins in the program of the user."""
    error, attempt = failure.error, f"attempt {failure.attempt}"
    traceback = error.__traceback__
    while traceback and traceback.tb_frame.f_code.co_filename.startswith(_PACKAGE):
        traceback = traceback.tb_next
    error.add_note(f"The handler {failure.handler} failed for {failure.event} ({attempt}).")
    return error.with_traceback(traceback)
