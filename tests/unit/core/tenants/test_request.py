"""A request names what a look-up has read of it, and nothing of its body."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from florentin_webhooks import Request
from florentin_webhooks.protocol.headers import HeaderMap


def request(**params: object) -> Request:
    headers = [("Host", "acme.example"), ("X-Account", "a"), ("X-Account", "b")]
    return Request(HeaderMap(headers), params, "https://acme.example/x")


def test_headers_have_no_case_and_repeated_ones_are_joined() -> None:
    made = request()
    assert (made.host, made.headers["x-account"]) == ("acme.example", "a, b")
    assert ("X-Account" in made.headers, made.headers.get("X-ACCOUNT")) == (True, "a, b")
    assert ("X-Other" in made.headers, made.headers.get("X-Other", "-")) == (False, "-")
    with pytest.raises(KeyError):
        made.headers["X-Other"]


def test_path_parameters_are_text() -> None:
    assert request(tenant=7).path_params["tenant"] == "7"
    assert dict(request(tenant="acme", part="a").path_params) == {"tenant": "acme", "part": "a"}


def test_what_is_read_is_recorded() -> None:
    made = request(tenant="acme")
    assert made.reads == set()
    assert made.headers.get("X-Account")
    assert made.path_params.get("none") is None
    assert made.url
    assert made.reads == {("header", "x-account"), ("param", "none"), ("url", "")}
    reads = (("header", "x-account"), ("param", "tenant"), ("param", ""), ("url", ""))
    expected = (("a", "b"), "acme", (("tenant", "acme"),), "https://acme.example/x")
    assert made.values(reads) == expected


@pytest.mark.parametrize("read", [lambda params: next(iter(params)), len])
def test_iteration_reads_all_parameters(read: Callable[[Mapping[str, str]], object]) -> None:
    made = request(tenant="acme")
    assert read(made.path_params) in ("tenant", 1)
    assert made.reads == {("param", "")}


def test_presence_of_a_header_is_a_read() -> None:
    made = request()
    assert "X-ACCOUNT" in made.headers
    assert made.reads == {("header", "x-account")}
