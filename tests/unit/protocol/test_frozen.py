"""Values that are created quickly are as frozen and as complete as any other."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError, fields, replace
from datetime import UTC, datetime
from inspect import signature
from typing import NamedTuple

import pytest

from florentin_webhooks.protocol.delivery import Delivery, Outcome, Reply
from florentin_webhooks.protocol.frozen import new_tuple

NOON = datetime(2026, 6, 6, 12, tzinfo=UTC)
DELIVERY = Delivery("0" * 32, "user.login", NOON, None, "secret-1", NOON, b"{}", None, "k", b"d")
REPLY = Reply(Outcome.IGNORED, 200, (), b"{}")


class Point(NamedTuple):
    x: int
    y: int = 0


def test_new_tuple_is_as_its_class_creates_it() -> None:
    point = new_tuple(Point, (1, 2))
    assert (type(point), point, point.y) == (Point, Point(1, 2), 2)


@pytest.mark.parametrize("value", [DELIVERY, REPLY])
def test_every_field_is_set_frozen_and_copied(value: Delivery | Reply) -> None:
    names = [each.name for each in fields(value)]
    assert list(signature(type(value)).parameters) == names
    assert all(hasattr(value, name) for name in names)
    assert replace(value) == value
    assert [getattr(replace(value), name) for name in names] == [
        getattr(value, name) for name in names
    ]
    assert pickle.loads(pickle.dumps(value)) == value  # noqa: S301 - our own.
    with pytest.raises(FrozenInstanceError):
        value.body = b"changed"  # type: ignore[misc]  # It is frozen.
    assert not hasattr(value, "__dict__")
