"""Florentin's deliveries pay nothing for other senders and for tenants."""

from __future__ import annotations

import logging
import sys
from types import FrameType

import pytest

from florentin_webhooks import Receiver
from florentin_webhooks.core.processing.handler_scope import TRACKING
from florentin_webhooks.testing import Provider

SECRET = "a-secret-of-some-length"
MOST_CALLS = 80
"""75 with Python 3.11: what a delivery took before secrets could be looked up."""


@pytest.fixture
def called(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the files of all Python functions that one delivery calls."""
    monkeypatch.setattr(TRACKING, "is_enabled", False)  # A client in a test before turned it on.
    caplog.set_level(logging.CRITICAL, "florentin_webhooks")  # A test before may have lowered it.
    receiver, provider, files = Receiver(SECRET), Provider(SECRET), list[str]()
    receiver.on("user.login")(lambda _: None)
    assert receiver.receive(*provider.make("user.login")).status == 200
    made, before = provider.make("user.login"), sys.getprofile()

    def count(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            files.append(frame.f_code.co_filename)

    sys.setprofile(count)
    try:
        receiver.receive(*made)
    finally:
        sys.setprofile(before)
    return files


def test_delivery_makes_no_call_for_other_senders_and_tenants(called: list[str]) -> None:
    foreign = ("core/tenants", "senders/schemes", "senders/services", "request_url")
    shared = "senders/schemes/usual.py"  # One function that all senders have in common.
    assert [
        file for file in called if any(part in file for part in foreign) and shared not in file
    ] == []
    assert any("senders/florentin" in file for file in called)


def test_delivery_makes_no_more_calls_than_before(called: list[str]) -> None:
    assert len(called) <= MOST_CALLS, len(called)
