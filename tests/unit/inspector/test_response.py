"""What a page answers: events for changes, each of them once."""

from __future__ import annotations

from florentin_webhooks.inspector.response import Changes


def test_change_is_an_event_once() -> None:
    digests = ["a" * 64, "a" * 64, "b" * 64, "a" * 64]
    changes = Changes(lambda: digests.pop(0), "")
    events = [changes.next_event() for _ in range(4)]
    ids = ["a" * 16, "", "b" * 16, "a" * 16]
    assert events == [each and f"id: {each}\nevent: change\ndata: {each}\n\n" for each in ids]


def test_page_that_knows_the_state_gets_no_event() -> None:
    assert Changes(lambda: "a" * 64, "a" * 16).next_event() == ""
