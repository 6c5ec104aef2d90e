"""Old names of attributes and modules."""

from __future__ import annotations

import warnings
from contextlib import nullcontext
from typing import Any

import pytest

from florentin_webhooks import Receiver, Router
from florentin_webhooks.protocol import deprecation
from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.protocol.deprecation import RenamedAttribute, moved_names, renamed_names

MODULE = "florentin_webhooks.protocol.deprecation"


class Renamed:
    old = RenamedAttribute("new")

    def __init__(self) -> None:
        self.new = 1


def test_renamed_name_resolves_with_a_warning() -> None:
    resolve = renamed_names(MODULE, {"old_names": "renamed_names"})
    with pytest.warns(
        DeprecationWarning, match=rf"{MODULE}.old_names was renamed to renamed_names"
    ):
        assert resolve("old_names") is renamed_names


def test_warning_points_to_the_line_that_uses_the_old_name() -> None:
    resolve = renamed_names(MODULE, {"old_names": "renamed_names"})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        resolve("old_names")
        moved_names("package.old", MODULE)("renamed_names")
        _ = Renamed().old
    assert [each.filename for each in caught] == [__file__] * 3


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'other'"):
        renamed_names(MODULE, {"old_names": "renamed_names"})("other")


def test_moved_module_resolves_names_with_a_warning() -> None:
    with pytest.warns(DeprecationWarning, match=f"package.old was renamed to {MODULE}"):
        assert moved_names("package.old", MODULE)("renamed_names") is deprecation.renamed_names


def test_moved_module_has_no_special_names() -> None:
    with pytest.raises(AttributeError, match="__path__"):
        moved_names("package.old", MODULE)("__path__")


def test_renamed_attribute_reads_and_writes_the_new_one_and_warns() -> None:
    renamed = Renamed()
    with pytest.warns(DeprecationWarning, match=r"Renamed.old was renamed to new"):
        assert renamed.old == 1
    with pytest.warns(DeprecationWarning, match=r"Renamed.old was renamed to new"):
        renamed.old = 2
    assert renamed.new == 2


def test_renamed_attribute_of_a_class_is_that_of_the_class() -> None:
    with pytest.warns(DeprecationWarning, match="renamed to reject"):
        assert Receiver.refuse is Receiver.reject


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
