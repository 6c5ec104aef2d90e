"""Log reasons for bodies that did not arrive complete."""

from __future__ import annotations

import sys

import pytest

from florentin_webhooks.protocol.body import (
    consumed_body,
    incomplete_body,
    lost_chunked_body,
    lost_upgrade_body,
    missing_body,
)
from florentin_webhooks.protocol.delivery import Outcome


def test_consumed_body_names_both_lengths_and_the_middleware() -> None:
    assert consumed_body(169) == "Content-Length 169, 0 bytes arrived: a middleware read the body"
    assert consumed_body(169, 5).startswith("Content-Length 169, 5 bytes arrived: ")


def test_incomplete_body_names_both_possible_causes() -> None:
    assert incomplete_body(169, 80) == (
        "Content-Length 169, 80 bytes arrived: the sender left, or a WSGI middleware read the body"
    )


CHUNKED = [("Transfer-Encoding", "chunked")]
UPGRADE = [("Upgrade", "h2c"), ("Content-Length", "169")]


def test_lost_chunked_body_names_the_server_by_its_own_name() -> None:
    assert lost_chunked_body(CHUNKED, "Cheroot/11.1.2") == (
        "no body arrived: Cheroot/11.1.2 passes on none of a chunked request, see docs/servers.md"
    )


def test_long_name_of_a_server_is_cut() -> None:
    assert f"arrived: {'x' * 40} passes" in str(lost_chunked_body(CHUNKED, "x" * 41))


@pytest.mark.parametrize(
    ("module", "name"), [("a2wsgi.wsgi", "a2wsgi"), ("hypercorn", "hypercorn, WSGI")]
)
def test_lost_chunked_body_names_the_loaded_server(
    module: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, sys)
    assert f"arrived: {name} passes" in str(lost_chunked_body(CHUNKED))


def test_lost_upgrade_body_needs_upgrade_and_length(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn.protocols.http.httptools_impl", sys)
    assert "arrived: uvicorn, httptools passes" in str(lost_upgrade_body(UPGRADE))
    assert lost_upgrade_body(UPGRADE[:1]) is lost_upgrade_body(UPGRADE[1:]) is None


def test_missing_body_is_ours_unless_a_sender_can_cause_it() -> None:
    promised = [("Content-Length", "169")]
    assert missing_body(promised) == (Outcome.BODY_UNAVAILABLE, consumed_body(169))
    assert missing_body(UPGRADE) == (Outcome.INVALID_SIGNATURE, lost_upgrade_body(UPGRADE))
    assert missing_body([("Content-Length", "0")]) is None


def test_request_that_is_not_chunked_has_lost_no_body() -> None:
    assert lost_chunked_body([("Content-Length", "0")], "waitress") is None
