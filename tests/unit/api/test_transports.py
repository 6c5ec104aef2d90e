"""The transports over real sockets: time, connections, forks and event loops."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from florentin_webhooks.api import AsyncFlorentinAPI, FlorentinAPI
from florentin_webhooks.errors import APIError, APIUnavailable
from tests.support.ports import free_port
from tests.support.scripted_api import TOKEN

ADA = b'{"data": {"id": "7c1f", "email": "ada@adabooks.example"}}'
OK = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(ADA), ADA)

Answer = Callable[[socket.socket], None]


class Listener:
    """Counts its connections, and answers each request with *answer*."""

    def __init__(self, answer: Answer) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._answer = answer
        self._open: list[socket.socket] = []
        self.connections = 0
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/api/v1"

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            while connection.recv(65_536):
                self._answer(connection)

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for each in self._open:
            each.close()


@contextmanager
def listening(answer: Answer) -> Iterator[Listener]:
    listener = Listener(answer)
    thread = threading.Thread(target=listener.serve, daemon=True)
    thread.start()
    yield listener
    listener.close()
    thread.join(60)


def send_ok(connection: socket.socket) -> None:
    connection.sendall(OK)


def hang_up(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_RDWR)


def say_nothing(_: socket.socket) -> None:
    pass


def drip(connection: socket.socket) -> None:
    connection.sendall(OK.removesuffix(ADA))
    for byte in ADA:
        connection.sendall(bytes([byte]))
        time.sleep(0.02)


def free_url() -> str:
    return f"http://127.0.0.1:{free_port()}/api/v1"


def test_blocking_client_keeps_its_connection(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with listening(send_ok) as listener, FlorentinAPI(listener.url, TOKEN) as api:
        for _ in range(3):
            assert api.customers.show("7c1f").id == "7c1f"
        assert listener.connections == 1
    assert "send_request_headers" in caplog.text  # The library logs what it does,
    assert TOKEN.partition("|")[2] not in caplog.text  # and no token.


def test_dropped_connection_is_tried_again_for_reads() -> None:
    with listening(hang_up) as listener, FlorentinAPI(listener.url, TOKEN, retries=1) as api:
        with pytest.raises(APIUnavailable, match=r"RemoteProtocolError|ReadError"):
            api.customers.show("7c1f")
        assert listener.connections == 2
        with pytest.raises(APIUnavailable):
            api.customers.create(name="Ada", email="ada@adabooks.example")
        assert listener.connections == 3


@pytest.mark.parametrize("answer", [say_nothing, drip])
def test_slow_answer_ends_in_time(answer: Answer) -> None:
    with (
        listening(answer) as listener,
        FlorentinAPI(listener.url, TOKEN, timeout=0.1, retries=0) as api,
        pytest.raises(APIUnavailable, match=r"Timeout|longer than 0\.1 s"),
    ):
        api.customers.show("7c1f")


@pytest.mark.anyio
@pytest.mark.parametrize("answer", [say_nothing, drip])
async def test_slow_answer_ends_in_time_in_asyncio(answer: Answer) -> None:
    with listening(answer) as listener:
        async with AsyncFlorentinAPI(listener.url, TOKEN, timeout=0.1, retries=0) as api:
            with pytest.raises(APIUnavailable, match=r"Timeout|longer than 0\.1 s"):
                await api.customers.show("7c1f")


def test_unreachable_api_is_named_with_its_url() -> None:
    url = free_url()
    with FlorentinAPI(url, TOKEN, retries=0) as api, pytest.raises(APIUnavailable) as caught:
        api.customers.show("7c1f")
    assert "ConnectError" in caught.value.message
    assert url in caught.value.hint


def test_forked_process_opens_its_own_connection() -> None:
    with listening(send_ok) as listener, FlorentinAPI(listener.url, TOKEN) as api:
        api.customers.show("7c1f")
        child = os.fork()
        if not child:
            os._exit(api.customers.show("7c1f").id != "7c1f")
        assert os.waitpid(child, 0)[1] == 0
        api.customers.show("7c1f")
        assert listener.connections == 2


def test_asyncio_client_works_in_one_loop_after_another() -> None:
    with listening(send_ok) as listener:
        api = AsyncFlorentinAPI(listener.url, TOKEN)
        for _ in range(2):
            assert asyncio.run(api.customers.show("7c1f")).id == "7c1f"
        assert listener.connections == 2


def test_asyncio_client_keeps_connections_within_its_block() -> None:
    async def show_twice(url: str) -> None:
        async with AsyncFlorentinAPI(url, TOKEN) as api:
            for _ in range(2):
                await api.customers.show("7c1f")
            await asyncio.to_thread(asyncio.run, api.customers.show("7c1f"))

    with listening(send_ok) as listener:
        asyncio.run(show_twice(listener.url))
        assert listener.connections == 2  # One is kept; the other loop opens its own.


@pytest.mark.anyio
async def test_pause_lets_other_tasks_run() -> None:
    with listening(hang_up) as listener:
        api = AsyncFlorentinAPI(listener.url, TOKEN, retries=1)
        failing = asyncio.create_task(api.customers.show("7c1f"))
        turns = 0
        while not failing.done():
            turns += 1
            await asyncio.sleep(0)
        assert isinstance(failing.exception(), APIUnavailable)
        assert turns > 5


def test_closed_client_sends_nothing() -> None:
    with listening(send_ok) as listener:
        with FlorentinAPI(listener.url, TOKEN) as api:
            api.customers.show("7c1f")
        with pytest.raises(APIError, match=r"closed.*create another"):
            api.customers.show("7c1f")
        assert listener.connections == 1


@pytest.mark.anyio
async def test_closed_asyncio_client_sends_nothing() -> None:
    with listening(send_ok) as listener:
        async with AsyncFlorentinAPI(listener.url, TOKEN) as api:
            await api.close()
            with pytest.raises(APIError, match="closed"):
                await api.customers.show("7c1f")
        with pytest.raises(APIError, match="closed"):
            await api.__aenter__()
        assert listener.connections == 0


@pytest.mark.anyio
async def test_tasks_share_connections_until_the_last_leaves() -> None:
    with listening(send_ok) as listener:
        api = AsyncFlorentinAPI(listener.url, TOKEN)
        async with api:
            async with api:
                await api.customers.show("7c1f")
            await api.customers.show("7c1f")
        assert listener.connections == 1
        async with api:
            await api.customers.show("7c1f")
