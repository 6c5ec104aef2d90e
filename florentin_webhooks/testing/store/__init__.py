"""A store for tests, which keeps every record and takes its time from the test."""

from __future__ import annotations

from florentin_webhooks.testing.store.entries import Entry, Part
from florentin_webhooks.testing.store.store import RecordingStore

__all__ = ["Entry", "Part", "RecordingStore"]
