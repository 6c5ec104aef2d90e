"""Old names: they work, and warn."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest

from florentin_webhooks import Receiver, Router
from florentin_webhooks.protocol.delivery import Outcome

SECRET = "a-secret-of-some-length"


@pytest.fixture
def receiver() -> Receiver:
    return Receiver(SECRET)


def test_old_method_works_and_names_the_new_one(receiver: Receiver) -> None:
    with pytest.warns(DeprecationWarning, match=r"Receiver\.refuse was renamed to reject;"):
        reply = receiver.refuse(Outcome.TOO_LARGE, "it is too large")
    assert reply == receiver.reject(Outcome.TOO_LARGE, "it is too large")


def test_old_attribute_can_be_set_and_read(receiver: Receiver) -> None:
    def context() -> nullcontext[None]:
        return nullcontext()

    with pytest.warns(DeprecationWarning, match="renamed to handler_context") as caught:
        receiver.around = context
    with pytest.warns(DeprecationWarning, match="renamed to handler_context"):
        assert receiver.around is context
    assert receiver.handler_context is context
    assert [warning.filename for warning in caught] == [__file__]


def test_old_property_works_on_routers_and_receivers(receiver: Receiver) -> None:
    owners: list[Any] = [receiver, Router()]
    for owner in owners:
        with pytest.warns(DeprecationWarning, match="unhandled was renamed to unhandled_events"):
            assert owner.unhandled == owner.unhandled_events
