"""One POST over real HTTP, whose response is returned with any status."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.testing.transport import MAX_RESPONSE, post
from tests.support.answering import Answering
from tests.support.ports import free_port
from tests.support.sites import Answer, self_signed, serving

BODY = b'{"event": "user.login"}'


@pytest.fixture(scope="module")
def server() -> Iterator[Answering]:
    with Answering() as answering:
        yield answering


def test_delivery_is_one_post_of_exactly_the_bytes(server: Answering) -> None:
    before = len(server.requests)
    post(f"{server.url}/processed", {"X-Florentin-Event": "user.login"}, BODY)
    sent = [(each.method, each.body) for each in server.requests[before:]]
    assert sent == [("POST", BODY)]


def test_headers_are_sent_unchanged(server: Answering) -> None:
    post(f"{server.url}/processed", {"X-Florentin-Event": "user.login"}, BODY)
    assert server.requests[-1].headers["X-Florentin-Event"] == "user.login"


@pytest.mark.parametrize(
    ("path", "arrives"),
    [
        ("", "/"),
        ("?a=1", "/?a=1"),
        ("/a/?b=%20&c", "/a/?b=%20&c"),
        ("/a;b", "/a;b"),
        ("/a#part", "/a"),
    ],
)
def test_path_and_query_are_sent_unchanged(server: Answering, path: str, arrives: str) -> None:
    post(server.url + path, {}, BODY)
    assert server.requests[-1].path == arrives


@pytest.mark.parametrize(
    ("path", "status", "outcome"),
    [
        ("/processed", 200, "processed"),
        ("/refused", 401, "invalid-signature"),
        ("/page", 404, ""),
        ("/list", 200, ""),
        ("/text", 200, ""),
        ("/other", 200, ""),
        ("/null", 500, ""),
        ("/deep", 200, ""),
        ("/binary", 200, ""),
        ("/anything", 204, ""),
    ],
)
def test_every_status_is_returned(server: Answering, path: str, status: int, outcome: str) -> None:
    answer = post(server.url + path, {}, BODY)
    assert (answer.status, answer.outcome) == (status, outcome)


@pytest.mark.parametrize(("path", "status"), [("/moved", 307), ("/seen", 303)])
def test_no_redirect_is_followed(server: Answering, path: str, status: int) -> None:
    before = len(server.requests)
    answer = post(server.url + path, {}, BODY)
    assert (answer.status, len(server.requests) - before) == (status, 1)


def test_response_has_its_headers_and_bytes(server: Answering) -> None:
    answer = post(f"{server.url}/page", {}, BODY)
    assert (answer.headers["Content-Type"], answer.body) == ("text/html", b"<h1>not here</h1>")


def test_response_is_read_up_to_a_limit(server: Answering) -> None:
    assert len(post(f"{server.url}/large", {}, BODY).body) == MAX_RESPONSE


def test_refused_connection_is_an_os_error() -> None:
    with pytest.raises(ConnectionRefusedError):
        post(f"http://127.0.0.1:{free_port()}/", {}, BODY)


@pytest.mark.parametrize("path", ["/silence", "/nonsense"])
def test_response_that_is_not_http_is_an_os_error(server: Answering, path: str) -> None:
    with pytest.raises(ConnectionError):
        post(server.url + path, {}, BODY)


def test_server_that_never_answers_is_an_os_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, pytest.raises(TimeoutError):
        post(f"http://127.0.0.1:{listening.getsockname()[1]}/", {}, BODY, timeout=0.05)


def test_tls_to_a_server_without_it_is_an_os_error(server: Answering) -> None:
    with pytest.raises(OSError, match="SSL"):
        post(server.url.replace("http:", "https:"), {}, BODY, timeout=30)


def test_certificate_that_is_not_trusted_is_an_os_error(tmp_path: Path) -> None:
    trusted_by_none = serving(lambda _: Answer(200), context=self_signed(tmp_path))
    with trusted_by_none as root, pytest.raises(OSError, match="verify failed: self-signed"):
        post(root, {}, BODY)


def test_ipv6_address_is_not_taken_for_a_port() -> None:
    with pytest.raises(OSError, match=r"refused|Cannot assign|not supported|unreachable"):
        post(f"http://[::1]:{free_port()}/", {}, BODY, timeout=30)


@pytest.mark.parametrize(
    "url",
    [
        *(
            "",
            "nonsense",
            "localhost:8000",
            "/webhooks",
            "ftp://localhost/",
            "http://",
            "http:///a",
        ),
        *("http://localhost:99999/", "http://localhost:port/", "http://[::1/", "http://a..b/"),
        *("http://localhost/a b", "http://localhost/ü", "http://local host/", "http://\x00/"),
        *("file:///etc/passwd", "http://?a=1", "http://" + "x" * 64 + "/"),
    ],
)
def test_invalid_url_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(ConfigurationError, match="Write http://localhost:8000/webhooks"):
        post(url, {}, BODY)


@pytest.mark.parametrize("value", ["a\nb", "a\r\nX-Other: b", "€"])
def test_header_that_cannot_be_sent_is_refused(server: Answering, value: str) -> None:
    with pytest.raises(ConfigurationError, match="characters that HTTP cannot carry"):
        post(server.url, {"X-Florentin-Event": value}, BODY)
