"""``events`` lists the catalogue and shows each event."""

from __future__ import annotations

import json

import pytest

from florentin_webhooks.events import CATALOGUE, parse_event
from tests.support.command_line import error, type_in


def test_list_fits_a_narrow_terminal() -> None:
    lines = type_in("events", environ={"COLUMNS": "40"}).stdout.splitlines()
    assert max(map(len, lines)) <= 40


@pytest.mark.parametrize("event", CATALOGUE)
def test_event_is_shown_as_a_valid_body(event: str) -> None:
    shown = json.loads(type_in("events", event).stdout)
    assert type(parse_event(shown)) is CATALOGUE[event]
    assert json.loads(type_in("events", event, "--json").stdout)["sample"]["event"] == event


def test_schema_is_shown_for_one_event_and_for_all() -> None:
    one = json.loads(type_in("events", "invoice.created", "--schema").stdout)
    assert one["$defs"]["Invoice"]["properties"]["amount_due"] == {
        "title": "Amount Due",
        "type": "integer",
        "minimum": -(2**63),
        "maximum": 2**63 - 1,
    }
    reported = json.loads(type_in("events", "--schema", "--json").stdout)
    assert reported["schemas"]["invoice.created"] == one
    assert list(reported["schemas"]) == list(CATALOGUE)


def test_unknown_event_is_refused_with_the_closest() -> None:
    result = type_in("events", "invoice.create", "--schema")
    assert error(result).endswith("hint: Run: florentin-webhooks events invoice.created --schema")
    assert result.exit_code == 2
