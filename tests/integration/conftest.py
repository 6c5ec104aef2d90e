"""What the tests of this folder run against: uvicorn, once with each of its HTTP readers."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache

import pytest

from tests.helpers.server import Server, serving
from tests.helpers.switchboard import Switchboard, switchboard


@pytest.fixture(scope="session")
def uvicorn_servers(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[[str], Server]]:
    """Where servers come from: each is started when it is first asked for, and once."""
    with ExitStack() as stack:

        @cache
        def started(reader: str) -> Server:
            return stack.enter_context(serving(reader, tmp_path_factory.mktemp("server")))

        yield started


@pytest.fixture(scope="session", params=["h11", "httptools"])
def uvicorn_server(
    request: pytest.FixtureRequest, uvicorn_servers: Callable[[str], Server]
) -> Server:
    """A server in a process of its own, for as long as the tests run."""
    return uvicorn_servers(request.param)


@pytest.fixture
def server(uvicorn_server: Server) -> Iterator[Server]:
    """That server; afterwards it must be unharmed, and its output must hold nothing private."""
    uvicorn_server.mark()
    yield uvicorn_server
    uvicorn_server.assert_unharmed()


@pytest.fixture(scope="module")
def board() -> Iterator[Switchboard]:
    """A server for ASGI programs that a module serves one after the other."""
    with switchboard() as running:
        yield running
