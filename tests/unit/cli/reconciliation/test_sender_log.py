"""The sender's log: CSV or JSON, under the names that senders and tools use."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from florentin_webhooks.cli.errors import UsageError
from florentin_webhooks.cli.reconciliation.sender_log import Outcome, read_log

ROWS: list[dict[str, object]] = [
    {"id": "a", "state": "delivered", "last_status": 200},
    {"id": "b", "state": "failed", "last_status": None},
    {"id": "c", "state": "pending", "status": "500"},
]


def read(tmp_path: Path, text: str) -> list[tuple[str, str, int | None]]:
    path = tmp_path / "log"
    path.write_text(text, encoding="utf-8")
    return [(entry.id, entry.outcome.value, entry.status) for entry in read_log(path)]


@pytest.mark.parametrize(
    "text",
    [
        "id,state,last_status\na,delivered,200\nb,failed,\nc,pending,500\n",
        "\ufeffid,state,last_status\r\na,delivered,200\r\nb,failed,\r\nc,pending,500\r\n",
        json.dumps(ROWS),
        json.dumps({"data": [{"delivery_id": row.pop("id"), **row} for row in map(dict, ROWS)]}),
    ],
)
def test_log_is_read_in_each_form(text: str, tmp_path: Path) -> None:
    assert read(tmp_path, text) == [
        ("a", "delivered", 200),
        ("b", "failed", None),
        ("c", "pending", 500),
    ]


def test_outcome_follows_from_the_status(tmp_path: Path) -> None:
    rows = read(tmp_path, "delivery_id,status\na,202\nb,302\nc,500\nd,\n")
    assert [outcome for _, outcome, _ in rows] == ["delivered", "failed", "failed", "failed"]


def test_state_may_have_any_case_or_be_a_status(tmp_path: Path) -> None:
    rows = read(tmp_path, "id,status,state\na,Delivered,\nb,failed,\nc,200,PENDING\nd,200,sent\n")
    found = [outcome for _, outcome, _ in rows]
    assert found == ["delivered", "failed", "pending", "delivered"]


def test_time_may_be_in_seconds_since_1970(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text(json.dumps([{"id": "a", "status": 200, "timestamp": 1795867230}]))
    assert read_log(path)[0].time == datetime(2026, 11, 28, 12, 0, 30, tzinfo=UTC)


def test_more_values_than_columns_and_odd_statuses_are_ignored(tmp_path: Path) -> None:
    rows = read(tmp_path, f"id,status\na,200,more,of it\nb,{'9' * 5000}\n")
    assert rows == [("a", "delivered", 200), ("b", "failed", None)]


def test_latest_line_of_a_delivery_counts(tmp_path: Path) -> None:
    text = "id,status,at\na,200,2026-11-28T12:00:30Z\na,500,2026-11-28T12:00:00Z\n"
    path = tmp_path / "log"
    path.write_text(text)
    (entry,) = read_log(path)
    assert entry.outcome is Outcome.DELIVERED
    assert entry.time == datetime(2026, 11, 28, 12, 0, 30, tzinfo=UTC)


def test_empty_log_has_no_entries(tmp_path: Path) -> None:
    assert read(tmp_path, "") == read(tmp_path, "[]") == read(tmp_path, "id,state\n") == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("name,age\nada,36\n", "Delivery 1 in"),
        ("id,age\na,36\n", "neither state nor status"),
        ("[1]", "Delivery 1 in"),
        ("id,status\na,200\nb,sent\n", "Delivery 2 in .* has the state 'sent'"),
        (
            '{"data": [{"id": "a", "status": 200}], "meta": {"page": 1, "total": 128}}',
            "has 1 of 128",
        ),
        ("[{", "is not valid JSON"),
        ('{"items": []}', "holds no list of deliveries"),
        ('id,state\na,"' + 200_000 * "x", "is not valid CSV: field larger"),
        (100_000 * "[", "is not valid JSON"),
    ],
)
def test_other_file_is_refused(text: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=reason):
        read(tmp_path, text)


def test_missing_and_binary_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    for name in ("missing", "binary"):
        with pytest.raises(UsageError, match="Cannot read"):
            read_log(tmp_path / name)
