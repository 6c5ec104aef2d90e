"""A URL without an answer is explained; its path and its user stay hidden."""

from __future__ import annotations

import pytest

from florentin_webhooks.cli.doctor.outside.connection import check_scheme, explain_failure
from florentin_webhooks.cli.doctor.outside.exchange import Exchange

KINDS = (
    "address",
    "refused",
    "timeout",
    "closed",
    "certificate",
    "tls",
    "not-http",
    "unreachable",
)


@pytest.mark.parametrize("kind", KINDS)
def test_failure_has_a_name_a_cause_and_a_fix(kind: str) -> None:
    check = explain_failure(
        Exchange("https://u:p@shop.example/hooks/token", error=kind, detail="x")
    )
    assert check.name == f"url-{kind}"
    assert check.message.startswith("https://shop.example ")
    assert check.message.endswith("(x).")
    assert check.hint


@pytest.mark.parametrize(
    ("url", "count"),
    [("http://shop.example/", 1), ("https://shop.example/", 0), ("http://localhost:8000/", 0)],
)
def test_plain_http_is_a_warning_beyond_this_machine(url: str, count: int) -> None:
    assert len(list(check_scheme(url))) == count
