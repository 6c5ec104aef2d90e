"""A sample of an event is read as that event, with its data, its id and its time."""

from __future__ import annotations

import pytest

from florentin_webhooks.senders import Discord, GitHub, Linear, Mailgun, Slack, Zoom
from florentin_webhooks.senders.base import Metadata, Sampling
from florentin_webhooks.senders.schemes.sender import TemplateSender
from tests.support.senders import NOW

DATA = {"made": "up"}


@pytest.mark.parametrize(
    ("sender", "event"),
    [
        (Discord(), "QUEST_USER_ENROLLMENT"),
        (GitHub(), "push"),
        (GitHub(), "star.created"),
        (Linear(), "Issue.create"),
        (Slack(), "app_mention"),
        (Zoom(), "meeting.started"),
    ],
    ids=str,
)
def test_sample_has_event_data_and_time(sender: TemplateSender, event: str) -> None:
    assert isinstance(sender, Sampling)
    sample = sender.sample(event, DATA, "d-1", NOW)
    message = sender.parse(sample.body, Metadata("", NOW, event=sample.event))
    assert (message.event, message.timestamp) == (event, NOW)
    data = message.envelope["data"]
    assert isinstance(data, dict)
    assert data["made"] == "up"


def test_sample_of_mailgun_has_its_facts_in_its_data() -> None:
    sender = Mailgun(accept_unsigned_payload=True)
    scheme = sender.scheme("a-secret-of-mailgun")
    sample = sender.sample("opened", DATA, "d" * 20, NOW)
    body = scheme.sign_body(sample.body, event="opened", delivery_id="d" * 20, timestamp=NOW)  # type: ignore[attr-defined]
    message = sender.parse(body, scheme.authenticate({}, body, NOW))
    facts = {"event": "opened", "id": "d" * 20, "timestamp": NOW.timestamp()}
    assert message.envelope["data"] == {**facts, **DATA}
