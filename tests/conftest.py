"""What every test may ask for: a Redis-compatible server, started once, clean for each test."""

import os
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from hypothesis import settings

from florentin_webhooks.embedded import EmbeddedServer

settings.register_profile("shared-cores", deadline=None)
settings.load_profile("shared-cores")


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
