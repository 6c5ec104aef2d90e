"""The registration of observers."""

from __future__ import annotations

import pytest

from florentin_webhooks import HandlerFailure, Receiver
from florentin_webhooks.core.routing.observer import build_observer
from florentin_webhooks.errors import ConfigurationError
from tests.support.shop import SECRET


def test_observer_is_returned_unchanged() -> None:
    receiver = Receiver(SECRET)

    @receiver.on_failure
    def alert(_: HandlerFailure) -> None: ...

    assert [each.function for each in receiver.failure_observers] == [alert]


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("alert", "is not a function"),
        (HandlerFailure, "is not a function"),
        (lambda: None, "cannot be called with one argument"),
        (lambda failure, more: None, "cannot be called with one argument"),  # noqa: ARG005
    ],
)
def test_observer_that_cannot_be_called_is_refused(function: object, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        build_observer(function)
