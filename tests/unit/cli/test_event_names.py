"""Names of events are listed, described and checked."""

from __future__ import annotations

import json

import pytest

from florentin_webhooks.cli.errors import UsageError
from florentin_webhooks.cli.event_names import describe_event, list_events, validate_event
from florentin_webhooks.cli.output import Output
from florentin_webhooks.events import CATALOGUE


def test_catalogue_is_listed_with_descriptions(capsys: pytest.CaptureFixture[str]) -> None:
    list_events(Output(json=False, color="never"))
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(CATALOGUE)
    list_events(Output(json=True, color="never"))
    listed = json.loads(capsys.readouterr().out)["events"]
    assert [each["description"] for each in listed] == list(map(describe_event, CATALOGUE))
    assert all(each["description"] for each in listed)


def test_closest_event_is_suggested() -> None:
    validate_event("user.login", "Run: it {}")
    with pytest.raises(UsageError, match=r"no event 'user.lgoin'\. Run: it user.login"):
        validate_event("user.lgoin", "Run: it {}")


def test_without_a_close_event_the_list_is_suggested() -> None:
    with pytest.raises(UsageError, match="List the events: florentin-webhooks events"):
        validate_event("qqqq", "Run: it {}")
