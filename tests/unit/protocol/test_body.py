"""Log reasons for bodies that did not arrive complete."""

from __future__ import annotations

from florentin_webhooks.protocol.body import consumed_body, incomplete_body


def test_consumed_body_names_both_lengths_and_the_middleware() -> None:
    assert consumed_body(169) == "Content-Length 169, 0 bytes arrived: a middleware read the body"
    assert consumed_body(169, 5).startswith("Content-Length 169, 5 bytes arrived: ")


def test_incomplete_body_names_both_possible_causes() -> None:
    assert incomplete_body(169, 80) == (
        "Content-Length 169, 80 bytes arrived: the sender left, or a WSGI middleware read the body"
    )
