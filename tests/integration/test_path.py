"""The path of a delivery through the package stays short."""

from __future__ import annotations

import pytest

from benchmarks.calls import python_calls
from benchmarks.path import OUTSIDE, trace_inline, trace_job
from florentin_webhooks.core.processing.handler_scope import TRACKING


@pytest.fixture(autouse=True)
def without_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trace a process in which no other test has created a client of the API."""
    monkeypatch.setattr(TRACKING, "is_enabled", False)


def test_inline_delivery_takes_at_most_40_moves_between_modules() -> None:
    moves = trace_inline()
    assert moves[0][:2] == (OUTSIDE, "asgi.mounts")
    assert "core.processing.attempt" in {move.target for move in moves}
    assert len(moves) <= 40, moves


def test_job_takes_at_most_35_moves_between_modules(redis_url: str) -> None:
    moves = trace_job(redis_url)
    assert moves[0][:2] == (OUTSIDE, "core.job")
    assert {"core.processing.plain_runner", "redis.codec.accept"} <= {move.target for move in moves}
    assert len(moves) <= 35, moves


def test_delivery_takes_at_most_65_python_calls() -> None:
    calls = python_calls()
    assert calls[0] == "florentin_webhooks.asgi.mounts:WebhookApp.__call__"
    assert "benchmarks.programs:full.<locals>.handle" in calls
    assert len(calls) <= 65, calls
