"""What the tools work on: a delivery is found by its names."""

from __future__ import annotations

import pytest

from florentin_webhooks import MemoryStore, Receiver, events
from florentin_webhooks.mcp.desk import Desk
from florentin_webhooks.testing import Provider
from tests.support.agents import call, desk_of

SECRET = "whsec_0123456789abcdef0123456789abcdef"
PROVIDER = Provider(SECRET)


@pytest.fixture
def hooks() -> Receiver:
    hooks = Receiver(SECRET, store=MemoryStore())

    @hooks.on("user.login")
    def greet(_: events.UserLogin) -> None: ...

    return hooks


@pytest.fixture
def desk(hooks: Receiver) -> Desk:
    return desk_of(hooks)


def test_delivery_is_found_by_the_beginning_of_its_fingerprint(hooks: Receiver, desk: Desk) -> None:
    hooks.receive(*PROVIDER.make("user.login"))
    (listed,) = call(desk, "list_deliveries")["deliveries"]
    for name in (listed["fingerprint"], listed["fingerprint"][:6].upper()):
        found = call(desk, "explain_delivery", delivery=name)
        assert found["fingerprint"] == listed["fingerprint"]


@pytest.mark.parametrize(
    ("name", "words"), [("ab", "is too short"), ("abcdef", "There is no delivery 'abcdef'")]
)
def test_unknown_delivery_is_an_error_with_a_hint(desk: Desk, name: str, words: str) -> None:
    error = call(desk, "explain_delivery", delivery=name)["error"]
    assert words in error
    assert "Use list_deliveries" in error


def test_name_of_several_deliveries_lists_them(hooks: Receiver, desk: Desk) -> None:
    first = PROVIDER.make("user.login")
    hooks.receive(*first)
    other = PROVIDER.make("user.login")
    hooks.receive(*PROVIDER.sign(other.event, other.body, delivery_id=first.delivery_id))
    error = call(desk, "explain_delivery", delivery=first.delivery_id)["error"]
    assert error.count(", ") == 1
    assert error.endswith("Choose one.")
