"""Captured deliveries as files, which tests replay."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from florentin_webhooks.errors import ConfigurationError

if TYPE_CHECKING:
    from florentin_webhooks.core.stores.queries import Record
    from florentin_webhooks.testing.redaction import Redaction

__all__ = ["Capture", "capture_record", "load_capture"]


@dataclass(frozen=True, slots=True)
class Capture:
    """A delivery without its signature; *body* is JSON."""

    event: str
    delivery_id: str
    received_at: datetime
    body: object

    @property
    def content(self) -> bytes:
        """The bytes of the body."""
        return json.dumps(self.body, ensure_ascii=False, separators=(",", ":")).encode()

    def to_json(self) -> str:
        """Return the text of its file."""
        fields = {
            "event": self.event,
            "delivery_id": self.delivery_id,
            "received_at": self.received_at.isoformat(),
            "body": self.body,
        }
        return json.dumps(fields, ensure_ascii=False, indent=2) + "\n"


def capture_record(record: Record, redaction: Redaction) -> Capture:
    """Return what the store remembers of a delivery, redacted.

    Raises :class:`ConfigurationError` for a body that is deleted, and for one that is not JSON.
    """
    if not record.body or record.received_at is None:
        raise ConfigurationError(
            f"The body of {record.fingerprint} is deleted.",
            "Export deliveries that are newer, or not done.",
        )
    try:
        body: object = json.loads(record.body)
    except ValueError:
        raise ConfigurationError(
            f"The body of {record.fingerprint} is not JSON, so it cannot be redacted.",
            "Write this test by hand: webhooks.send(webhooks.provider.sign(...)).",
        ) from None
    return Capture(
        record.event, record.delivery_id or "", record.received_at, redaction.redact(body)
    )


def load_capture(path: Path) -> Capture:
    """Return the delivery in the file at *path*; raises :class:`ConfigurationError`."""
    try:
        fields = cast("dict[str, Any]", json.loads(path.read_text(encoding="utf-8")))  # Any: JSON.
        received_at = datetime.fromisoformat(fields["received_at"])
        return Capture(fields["event"], fields["delivery_id"], received_at, fields["body"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(
            f"{path} is not a captured delivery ({type(error).__name__}).",
            "Write it by: florentin-webhooks deliveries export.",
        ) from error
