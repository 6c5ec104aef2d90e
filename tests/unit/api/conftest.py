"""A client starts to record the scopes of handlers; other tests must not pay for that."""

import pytest

from florentin_webhooks.core.processing.handler_scope import TRACKING


@pytest.fixture(autouse=True)
def _restored_tracking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TRACKING, "is_enabled", TRACKING.is_enabled)
