"""What the tests of this folder run against: uvicorn, once with each of its HTTP readers."""

from collections.abc import Iterator

import pytest

from tests.helpers.server import Server, serving


@pytest.fixture(scope="session", params=["h11", "httptools"])
def uvicorn_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server in a process of its own, for as long as the tests run."""
    with serving(request.param, tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture
def server(uvicorn_server: Server) -> Iterator[Server]:
    """That server; afterwards it must be unharmed, and its output must hold nothing private."""
    uvicorn_server.mark()
    yield uvicorn_server
    uvicorn_server.assert_unharmed()
