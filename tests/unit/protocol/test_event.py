"""Another event of the same envelope shares nothing that a handler could change."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from florentin_webhooks.errors import InvalidEvent
from florentin_webhooks.events import UnknownEvent
from florentin_webhooks.protocol.event import copy_event, parse_event

NOON = datetime(2026, 6, 6, 12, tzinfo=UTC)


def envelope() -> dict[str, Any]:  # Any: JSON.
    data = {"tags": ["a", {"deep": [1]}], "owner": {"name": "Ada"}}
    return {"event": "x.y", "timestamp": NOON, "data": data, "more": {"list": []}}


def test_copied_event_is_equal_and_shares_no_container() -> None:
    content = envelope()
    first = parse_event("x.y", content, UnknownEvent)
    other = copy_event("x.y", content, UnknownEvent)
    assert other == first
    other.data["tags"][1]["deep"].append(2)
    other.data["owner"]["name"] = "Bob"
    assert other.model_extra is not None
    other.model_extra["more"]["list"].append(3)
    assert content == envelope()
    assert first == parse_event("x.y", envelope(), UnknownEvent)


def test_copied_event_is_validated() -> None:
    with pytest.raises(InvalidEvent):
        copy_event("x.y", {"event": "x.y", "timestamp": NOON}, UnknownEvent)


def test_repr_of_an_event_leaves_its_data_out() -> None:
    event = parse_event("x.y", envelope(), UnknownEvent)
    assert repr(event) == f"UnknownEvent(event='x.y', timestamp={NOON!r})"
