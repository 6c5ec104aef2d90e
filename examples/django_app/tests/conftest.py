"""What the tests share: a pretend Florentin, and the program in this process or under servers."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from secrets import token_hex

import pytest

from florentin_webhooks.redis.embedded_server import EmbeddedServer
from florentin_webhooks.testing import Provider
from tests.crm import Crm, running_crm
from tests.sites import HERE, SERVERS, WORKER, Place, Site, running

# A shell has what it runs in the background ignore Ctrl-C, and every process that tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)

SITES = [f"{server} {mode}" for mode in ("inline", "queued") for server in SERVERS]


@pytest.fixture
def florentin() -> Provider:
    return Provider(os.environ["FLORENTIN_WEBHOOK_SECRET"], check_names=False)


@pytest.fixture
def account() -> str:
    """An account that no other test knows; its name is the same."""
    return f"acc_{token_hex(6)}"


@pytest.fixture(scope="session")
def crm() -> Iterator[Crm]:
    with running_crm() as crm:
        yield crm


@pytest.fixture(scope="session")
def sites(crm: Crm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Site]]:
    """Four programs: each production server with each store; a worker where there is a queue."""
    made = Place(tmp_path_factory.mktemp("made"), "", {})
    script = [sys.executable, "-m", "tests.make_database"]
    session = subprocess.check_output(script, cwd=HERE, env=made.environment, text=True).strip()

    def place(name: str, **settings: str) -> Place:
        folder = tmp_path_factory.mktemp(name)
        shutil.copy(made.folder / "db.sqlite3", folder)
        return Place(folder, session, {"CRM_URL": crm.url, **settings})

    with EmbeddedServer(tmp_path_factory.mktemp("redis")) as redis:
        inline, queued = place("inline"), place("queued", REDIS_URL=redis.url)
        places = [(each, words) for each in (inline, queued) for words in SERVERS.values()]
        with running(*places, (queued, WORKER)) as (*servers, _):
            yield dict(zip(SITES, map(Site.served, servers), strict=True))
    for server in servers:
        # Only a handler that meets a CRM that is down leaves a stack, after its own line.
        log = server.log.read_text()
        assert log.count("Traceback") == log.count("handler-failed ")


@pytest.fixture(params=SITES)
def site(request: pytest.FixtureRequest, sites: dict[str, Site]) -> Site:
    return sites[request.param]
