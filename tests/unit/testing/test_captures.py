"""Files of captured deliveries: written, read again, and refused with a hint."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.queries import Record
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.testing.captures import Capture, capture_record, load_capture
from florentin_webhooks.testing.redaction import Redaction

NOON = datetime(2026, 6, 6, 12, tzinfo=UTC)


def test_written_file_is_read_again(tmp_path: Path) -> None:
    capture = Capture("invoice.created", "d-1", NOON, {"data": {"name": "Zoë"}})
    path = tmp_path / "invoice.json"
    path.write_text(capture.to_json(), encoding="utf-8")
    assert load_capture(path) == capture
    assert capture.content == '{"data":{"name":"Zoë"}}'.encode()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"event": "a", "received_at": "noon"}'])
def test_other_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "other.json"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match="is not a captured delivery"):
        load_capture(path)


@pytest.mark.parametrize(("body", "reason"), [(b"", "is deleted"), (b"a=1", "is not JSON")])
def test_body_that_cannot_be_redacted_is_refused(body: bytes, reason: str) -> None:
    record = Record("ab", State.DONE, "a.b", "d-1", NOON, body=body)
    with pytest.raises(ConfigurationError, match=reason):
        capture_record(record, Redaction(b"key"))
