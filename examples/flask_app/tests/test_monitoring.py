"""Metrics, health and the inspector of the program."""

from __future__ import annotations

from tests.in_process import InProcessApp


def test_metrics_count_deliveries_and_handlers(saas: InProcessApp) -> None:
    saas.deliver("account.created")
    shown = saas.browser.get("/metrics").text
    counted = [line for line in shown.splitlines() if 'event="account.created"' in line]
    assert any(line.endswith(" 1.0") and 'outcome="processed"' in line for line in counted)
    assert 'handler="saas.handlers:' in shown


def test_health_is_served(saas: InProcessApp) -> None:
    assert saas.browser.get("/health/ready").get_json()["ready"] is True


def test_inspector_shows_what_became_of_a_delivery(saas: InProcessApp) -> None:
    saas.deliver("account.created")
    page = saas.browser.get("/inspector/").text
    assert "account.created" in page
    assert "done" in page
