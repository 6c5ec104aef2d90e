"""What every test may ask for: a Redis-compatible server, started once, clean for each test."""

import os
import signal
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from itertools import chain
from pathlib import Path

import pytest
import redis
from hypothesis import settings

from florentin_webhooks.redis.embedded_server import EmbeddedServer
from tests.support.server import Server, Switchboard, served, under_uvicorn

settings.register_profile("shared-cores", deadline=None)
settings.load_profile("shared-cores")

# A shell has what it runs in the background ignore Ctrl-C, and every process that tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)

_LONGEST = (
    "tests/integration/test_docs.py",
    "tests/faults/",
    "tests/integration/test_benchmarks.py",
    "tests/integration/cli/",
)
"""The files that take longest, in this order; most of the time they wait."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where processes share the files, begin with the longest, so that all end together."""
    if hasattr(config, "workerinput"):
        items.sort(key=_rank)


def _rank(item: pytest.Item) -> int:
    ranks = (rank for rank, start in enumerate(_LONGEST) if item.nodeid.startswith(start))
    return next(ranks, len(_LONGEST))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests have recorded as "figures", in whichever process they ran."""
    told = (terminalreporter.getreports(outcome) for outcome in ("passed", "failed"))
    for report in chain.from_iterable(told):
        for name, value in report.user_properties:
            if name == "figures":
                terminalreporter.write_line(str(value))


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """The package is written for asyncio."""
    return "asyncio"


@pytest.fixture
def directory() -> Iterator[Path]:
    """A private directory with a path short enough for a unix socket; tmp_path is too long."""
    with tempfile.TemporaryDirectory(prefix="fw-") as path:
        yield Path(path)


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    """The URL of $FLORENTIN_TEST_REDIS_URL, or of a server that lives as long as this run.

    Without a server binary this fails with the install hint: no test is ever skipped.
    """
    if external := os.environ.get("FLORENTIN_TEST_REDIS_URL"):
        yield external
        return
    with tempfile.TemporaryDirectory(prefix="fw-") as path, EmbeddedServer(path) as server:
        yield server.url


@pytest.fixture
def redis_url(redis_server: str) -> str:
    """A server with an empty database; a server that is not ours is left as it is."""
    if "FLORENTIN_TEST_REDIS_URL" not in os.environ:
        with redis.Redis.from_url(redis_server) as client:
            client.flushall()
    return redis_server


@pytest.fixture
def redis_prefix() -> str:
    """A prefix for keys that no other test uses, for servers that we must not flush."""
    return f"test-{uuid.uuid4().hex}"


@pytest.fixture(scope="session")
def uvicorn_servers(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[[str], Server]]:
    """Where servers come from: each is started when it is first asked for, and once."""
    with ExitStack() as stack:

        @cache
        def started(reader: str) -> Server:
            log = tmp_path_factory.mktemp("server") / "log"
            port = served(f"uvicorn {reader}", "tests.support.program:asgi", log)
            return Server(stack.enter_context(port), reader, log)

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
    running = Switchboard()
    with under_uvicorn(running, lifespan="off") as running.port:
        yield running
