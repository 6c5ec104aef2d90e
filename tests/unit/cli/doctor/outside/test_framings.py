"""Servers that lose a body, and proxies that refuse one, are told apart."""

from __future__ import annotations

import pytest

from florentin_webhooks.cli.doctor.outside.exchange import Exchange
from florentin_webhooks.cli.doctor.outside.framings import (
    check_chunked,
    check_large,
    check_upgrade,
)

LOST = Exchange("http://shop/", 401, "invalid-signature", {"server": "hypercorn-h11"})


def test_server_that_loses_chunked_bodies_is_named() -> None:
    (check,) = check_chunked(LOST)
    assert check.message.startswith("hypercorn, WSGI passes on no body without Content-Length")
    assert "docs/servers.md" in check.hint


def test_server_that_loses_bodies_beside_upgrade_is_named() -> None:
    (check,) = check_upgrade(Exchange("", 401, "invalid-signature", {"server": "uvicorn"}))
    assert check.message.startswith("uvicorn, httptools passes on no body")
    assert "--http h11" in check.hint


def test_unknown_server_that_loses_bodies_has_no_option_of_uvicorn() -> None:
    (check,) = check_upgrade(Exchange("", 401, "invalid-signature", {"server": "nginx"}))
    assert check.message.startswith("The server passes on no body")
    assert "--http" not in check.hint


def test_refused_framing_loses_nothing() -> None:
    refused = Exchange("http://shop/", 411)
    assert [*check_chunked(refused), *check_upgrade(refused)] == []


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (Exchange("http://shop/", 413), "fail proxy-limit"),
        (Exchange("http://shop/", error="closed"), "fail proxy-limit"),
        (Exchange("http://shop/", 413, "too-large"), "warn body-limit"),
        (Exchange("http://shop/", error="timeout"), "warn body-size"),
    ],
)
def test_refused_size_is_explained(sent: Exchange, expected: str) -> None:
    (check,) = check_large(sent, 1000, is_accepted=False)
    assert f"{check.state} {check.name}" == expected
    assert "1000 bytes" in check.message


def test_accepted_size_is_right() -> None:
    (check,) = check_large(Exchange("http://shop/", 200, "ignored"), 1000, is_accepted=True)
    assert check.state == "ok"
