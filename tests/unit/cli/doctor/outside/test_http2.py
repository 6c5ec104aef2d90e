"""A body over HTTP/2, which needs no length: it arrives, is lost, or gets no answer."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, RequestReceived, StreamEnded

from florentin_webhooks import Receiver
from florentin_webhooks.cli.doctor.outside.exchange import Exchange
from florentin_webhooks.cli.doctor.outside.framings import check_http2
from florentin_webhooks.cli.doctor.outside.http2 import exchange_http2, offers_http2
from florentin_webhooks.cli.doctor.outside.probe import Prober
from florentin_webhooks.senders.florentin.sender import FLORENTIN
from tests.support.command_line import SECRET
from tests.support.sites import self_signed

HOOKS = Receiver(SECRET)


def trusting() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def speak(connection: ssl.SSLSocket, *, loses: bool) -> None:
    """Answer one request as a receiver would, after its body was lost on the way, or not."""
    speaker = H2Connection(H2Configuration(client_side=False))
    speaker.initiate_connection()
    headers, body = dict[str, str](), b""
    while received := connection.recv(65_536):
        for event in speaker.receive_data(received):
            if isinstance(event, RequestReceived):
                headers = {name.decode(): value.decode() for name, value in event.headers}
            elif isinstance(event, DataReceived):
                body += event.data
            elif isinstance(event, StreamEnded):
                assert "content-length" not in headers
                reply = HOOKS.receive(headers, b"" if loses else body)
                speaker.send_headers(1, [(":status", str(reply.status)), ("server", "hypercorn")])
                speaker.send_data(1, reply.body, end_stream=True)
        connection.sendall(speaker.data_to_send())


@contextmanager
def serving(folder: Path, protocol: str = "h2", **options: Any) -> Iterator[str]:
    context = self_signed(folder)
    context.set_alpn_protocols([protocol])

    def accept() -> None:
        with suppress(OSError):
            while True:
                plain, _ = listening.accept()
                with context.wrap_socket(plain, server_side=True) as connection:
                    if options:
                        speak(connection, **options)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = Thread(target=accept, daemon=True)
        thread.start()
        yield f"https://127.0.0.1:{listening.getsockname()[1]}/webhooks/florentin"
        listening.shutdown(socket.SHUT_RDWR)
    thread.join(60)


@pytest.mark.parametrize(
    ("loses", "state", "text"),
    [
        (False, "ok", "arrive over HTTP/2"),
        (True, "warn", "hypercorn, WSGI passes on no body over HTTP/2"),
    ],
)
def test_lost_body_over_http2_is_found(directory: Path, loses: bool, state: str, text: str) -> None:
    with serving(directory, loses=loses) as url:
        made = Prober(FLORENTIN, {"mine": SECRET.encode()}, url).make()
        check = check_http2(exchange_http2(url, made.headers, made.body, trusting(), 5))
    assert (check.state, check.name) == (state, "body-http2")
    assert text in check.message


@pytest.mark.parametrize("protocol", ["h2", "http/1.1"])
def test_http2_is_probed_where_it_is_offered(directory: Path, protocol: str) -> None:
    with serving(directory, protocol) as url:
        assert offers_http2(url, trusting(), 5) is (protocol == "h2")


def test_server_that_hangs_up_gives_no_answer(directory: Path) -> None:
    with serving(directory) as url:
        sent = exchange_http2(url, {}, b"{}", trusting(), 5)
    assert (sent.status, sent.error) == (0, "closed")
    assert check_http2(sent).state == "warn"


def test_plain_or_silent_server_is_not_asked() -> None:
    assert not offers_http2("http://127.0.0.1:1/")
    assert not offers_http2("https://127.0.0.1:1/", longest=1)


def test_answer_of_another_program_is_not_a_success() -> None:
    assert check_http2(Exchange("https://shop/", 502)).state == "warn"
