"""Records are shown as rows and in full."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from florentin_webhooks.cli.formatting.records import (
    details,
    record_fields,
    record_row,
    shorten,
)
from florentin_webhooks.cli.formatting.views import Styled
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.queries import Record

KEY = "3fe77f4ef1bb4c4ecb1d8e14c2a4de5b"
QUEUED = Record(
    KEY,
    State.QUEUED,
    body=b"{}",
    event="invoice.created",
    received_at=datetime(2026, 6, 6, 12, tzinfo=UTC),
    waiting={"florentin": ("shop:bill", "shop:mail")},
    handlers={"shop:mail": "done"},
)


def test_row_of_a_queued_record_names_unfinished_handlers() -> None:
    ten_minutes_ago = datetime.now(UTC) - timedelta(minutes=10, seconds=30)
    assert record_row(replace(QUEUED, received_at=ten_minutes_ago), 80) == (
        KEY[:12],
        Styled("queued", ""),
        "invoice.created",
        "10 min",
        "waits for shop:bill",
    )


def test_row_of_a_failed_record_names_the_reason() -> None:
    failed = replace(QUEUED, state=State.FAILED, reasons={"": "shop:bill: ValueError"})
    row = record_row(failed, 120)
    assert (row[0], row[1], row[4]) == (KEY, Styled("failed", "red"), "shop:bill: ValueError")


def test_fingerprint_is_whole_on_wide_terminals() -> None:
    assert (shorten(KEY, 80), shorten(KEY, 110)) == (KEY[:12], KEY)


def test_details_leave_out_empty_fields() -> None:
    shown = details(QUEUED).rows
    assert ("handler", "shop:mail: done") in shown
    assert ("handler", "shop:bill: waits in queue florentin") in shown
    assert ("body", "2 bytes; --body shows them") in shown
    assert "finished" not in [name for name, _ in shown]
    assert ("body", "deleted") in details(replace(QUEUED, body=b"")).rows


def test_handler_of_a_dead_delivery_does_not_wait() -> None:
    dead = replace(QUEUED, state=State.DEAD, attempts={"florentin": 3})
    assert ("handler", "shop:bill: not done in queue florentin, 3 attempts") in details(dead).rows


def test_fields_hold_no_body() -> None:
    assert record_fields(QUEUED)["waiting"] == {"florentin": ["shop:bill", "shop:mail"]}
    assert "body" not in record_fields(QUEUED)
