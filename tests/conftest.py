"""Fixtures for every test, such as a Redis-compatible server that is empty for each of them."""

import gc
import os
import signal
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from itertools import chain
from pathlib import Path

import pytest
import redis
from hypothesis import HealthCheck, settings

from florentin_webhooks.core import receiver
from florentin_webhooks.core.stores import base
from florentin_webhooks.redis.embedded_server import EmbeddedServer
from tests.support.cluster import Cluster, running_cluster
from tests.support.server import Server, Switchboard, served, under_uvicorn
from tests.support.sharing import Sharing

# On a busy machine it takes long to draw an example.
_UNTIMED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("short", _UNTIMED, max_examples=60)
settings.register_profile("thorough", _UNTIMED, max_examples=1_000)  # For `make long`.
settings.load_profile("short")

# A shell has what it runs in the background ignore Ctrl-C, and every process that tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)

gc.set_threshold(20_000, 20, 20)  # Else every seventh second of the collection goes to it.


SEARCHES = (
    "florentin_webhooks.cli.commands.deliveries",
    "florentin_webhooks.cli.selection",
    "florentin_webhooks.inspector.views.deliveries",
)
"""Modules with a search that stops after a while."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--processes", type=int, default=1, help="share the test files")


def pytest_configure(config: pytest.Config) -> None:
    if (processes := config.getoption("--processes")) > 1:
        config.pluginmanager.register(Sharing(processes), "sharing")


def pytest_collection_finish() -> None:
    """Exempt from garbage collection what lives until the end: modules and tests."""
    gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests in any process have recorded as "figures"."""
    reported = (terminalreporter.getreports(outcome) for outcome in ("passed", "failed"))
    for report in chain.from_iterable(reported):
        for name, value in report.user_properties:
            if name == "figures":
                terminalreporter.write_line(str(value))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Simulate a process for each receiver of a test, but for ``one_process``.

    A search stops after a fraction of a second, which a busy machine may need for two deliveries:
    it has more time here. A record of an effect is sent once, without patience. A
    fixture for each test would cost more than most tests.
    """
    with pytest.MonkeyPatch.context() as monkeypatch:
        if item.get_closest_marker("one_process") is None:
            monkeypatch.setattr(receiver, "ensure_distinct", lambda *_: None)
        monkeypatch.setattr(base, "_PATIENCE", 0)
        for module in filter(None, map(sys.modules.get, SEARCHES)):
            monkeypatch.setattr(module, "_SECONDS", 100)
        handlers = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
        try:
            return (yield)
        finally:
            for each, handler in handlers.items():
                signal.signal(each, handler)  # A worker of RQ leaves its own.


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def directory() -> Iterator[Path]:
    """Yield a directory with a path short enough for a unix socket, unlike tmp_path."""
    with tempfile.TemporaryDirectory(prefix="fw-") as path:
        yield Path(path)


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    """Yield $FLORENTIN_TEST_REDIS_URL, or the URL of a server that lives as long as this run."""
    if external := os.environ.get("FLORENTIN_TEST_REDIS_URL"):
        yield external
        return
    # A slow disk would stop it for longer than clients wait.
    options = {"appendfsync": "no"}
    with (
        tempfile.TemporaryDirectory(prefix="fw-") as path,
        EmbeddedServer(path, options=options) as server,
    ):
        yield server.url


@pytest.fixture(scope="session")
def flush_redis(redis_server: str) -> Iterator[Callable[[], object]]:
    """Yield what empties the server; a connection for each test would take longer than most."""
    if "FLORENTIN_TEST_REDIS_URL" in os.environ:
        yield lambda: None  # An external server is not flushed.
        return
    with redis.Redis.from_url(redis_server) as client:
        yield client.flushall


@pytest.fixture
def redis_url(redis_server: str, flush_redis: Callable[[], object]) -> str:
    """Return a server with an empty database."""
    flush_redis()
    return redis_server


@pytest.fixture(scope="session")
def redis_cluster() -> Iterator[Cluster]:
    """Yield a Redis Cluster of two nodes, which no test empties."""
    # A node that has no processor for a second is not dead.
    options = {"appendfsync": "no", "cluster-node-timeout": "20000"}
    with (
        tempfile.TemporaryDirectory(prefix="fw-") as path,
        running_cluster(Path(path), 2, options=options) as found,
    ):
        yield found


@pytest.fixture
def cluster_url(redis_cluster: Cluster) -> str:
    """Return the URL of that cluster."""
    return redis_cluster.url


@pytest.fixture
def redis_prefix() -> str:
    """Return a prefix for keys that no other test uses."""
    return f"test-{uuid.uuid4().hex}"


@pytest.fixture(scope="session")
def uvicorn_servers(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[[str], Server]]:
    """Yield a function that starts each server once, at its first use."""
    with ExitStack() as stack:

        @cache
        def started(reader: str) -> Server:
            log = tmp_path_factory.mktemp("server") / "log"
            added = {"MOUNTS_OF": "tests.support.wrapped_mounts"}
            name, app = f"uvicorn {reader}", "tests.support.program:asgi"
            port = served(name, app, log, environment=added)
            return Server(stack.enter_context(port), reader, log)

        yield started


@pytest.fixture(scope="session", params=["h11", "httptools"])
def uvicorn_server(
    request: pytest.FixtureRequest, uvicorn_servers: Callable[[str], Server]
) -> Server:
    return uvicorn_servers(request.param)


@pytest.fixture
def server(uvicorn_server: Server) -> Iterator[Server]:
    """Yield that server; afterwards it must still serve, and its output hold nothing private."""
    uvicorn_server.mark()
    yield uvicorn_server
    uvicorn_server.assert_unharmed()


@pytest.fixture(scope="module")
def board() -> Iterator[Switchboard]:
    """Yield a server for ASGI programs that a module serves in turn."""
    running = Switchboard()
    with under_uvicorn(running, lifespan="off") as running.port:
        yield running
