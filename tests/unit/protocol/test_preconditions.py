"""Checks of a request before its body is read."""

from __future__ import annotations

from typing import Any

import pytest

from florentin_webhooks import Receiver
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.protocol.preconditions import (
    content_length,
    ensure_receiver,
    path_variants,
    reliable_content_length,
    screen,
)

Pairs = list[tuple[str, str]]


@pytest.mark.parametrize("encoding", ["", "identity", "Identity"])
def test_post_with_a_plain_body_is_read(encoding: str) -> None:
    assert screen("POST", [("Content-Encoding", encoding), ("Content-Length", "9")], 9) is None


@pytest.mark.parametrize("method", ["GET", "post", "PUT", "HEAD", ""])
def test_other_methods_are_refused(method: str) -> None:
    assert screen(method, [], 9) == (Outcome.METHOD_NOT_ALLOWED, f"{method!r} is not POST")


def test_refused_method_is_quoted_in_part_and_in_ascii() -> None:
    refused = screen("é\n" + "X" * 100, [], 9)
    assert refused == (Outcome.METHOD_NOT_ALLOWED, f"{'é' + chr(10) + 'X' * 14!a} is not POST")


@pytest.mark.parametrize("encodings", [["gzip"], ["identity", "br"], ["gzip, identity"]])
def test_encoded_body_is_refused(encodings: list[str]) -> None:
    refused = screen("POST", [("Content-Encoding", each) for each in encodings], 9)
    assert refused == (Outcome.UNSUPPORTED_ENCODING, "the body has a Content-Encoding")


def test_declared_length_above_the_limit_is_refused() -> None:
    refused = screen("POST", [("Content-Length", "10")], 9)
    assert refused == (Outcome.TOO_LARGE, "Content-Length 10, the limit is 9")


@pytest.mark.parametrize(
    ("values", "length"),
    [
        (["12"], 12),
        (["0012"], 12),
        (["0"], 0),
        ([], 0),
        (["12", "12"], 0),
        (["-1"], 0),
        (["1e3"], 0),
        (["١٢"], 0),
        (["9" * 5000], 10**18 - 1),
    ],
)
def test_content_length_is_a_bounded_number_or_zero(values: list[str], length: int) -> None:
    assert content_length([("Content-Length", value) for value in values]) == length


@pytest.mark.parametrize("header", ["Transfer-Encoding", "Upgrade"])
def test_overridden_content_length_is_not_reliable(header: str) -> None:
    headers: Pairs = [("Content-Length", "12")]
    assert reliable_content_length(headers) == 12
    assert reliable_content_length([*headers, (header, "any")]) == 0


@pytest.mark.parametrize("path", ["/hooks", "/hooks/"])
def test_path_has_two_variants(path: str) -> None:
    assert path_variants(path) == ("/hooks", "/hooks/")


def test_root_path_has_two_variants() -> None:
    assert path_variants("/") == ("", "/")


@pytest.mark.parametrize("path", ["", "hooks"])
def test_path_without_a_first_slash_is_refused(path: str) -> None:
    with pytest.raises(ConfigurationError, match="Begin it with a slash"):
        path_variants(path)


@pytest.mark.parametrize("path", ["/hooks?a=b", "/hooks#a", "//hooks", "/web//hooks"])
def test_unreachable_path_is_refused(path: str) -> None:
    with pytest.raises(ConfigurationError, match="No request can have the path"):
        path_variants(path)


def test_mount_of_something_else_is_refused() -> None:
    ensure_receiver(Receiver("a-long-enough-secret"))
    with pytest.raises(ConfigurationError, match="takes a Receiver, not module"):
        ensure_receiver(pytest)


def test_path_of_another_type_is_refused() -> None:
    path: Any = None
    with pytest.raises(ConfigurationError, match="The path None is invalid"):
        path_variants(path)
